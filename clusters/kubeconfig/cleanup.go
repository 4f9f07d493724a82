package kubeconfig

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// Leftover is what an interrupted run left in a cluster.
type Leftover struct {
	// Run is the value of its label.
	Run string
	// Owner is the process of the run, as HOST/PID/START; "" if unknown.
	Owner string
	// Objects without a namespace, as "namespaces/testbed-…". Objects in the namespaces are deleted with them.
	Objects []string
	// Running is true if the owner runs or may run: a process of another machine can't be checked.
	Running bool
}

// Cleanup removes what runs left in the cluster, and returns what it removed and what it kept. It keeps the objects of runs
// that may still be running, unless all is set.
func Cleanup(ctx context.Context, config Config, all bool) (removed, kept []Leftover, err error) {
	access, err := config.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	cleaner, err := newCleaner(access.rest)
	if err != nil {
		return nil, nil, err
	}
	found, err := cleaner.find(ctx, "")
	if err != nil {
		return nil, nil, err
	}
	for _, leftover := range byRun(found) {
		if leftover.Running && !all {
			kept = append(kept, leftover)
			continue
		}
		ours := slices.DeleteFunc(slices.Clone(found), func(one orphan) bool { return one.run != leftover.Run })
		if err := cleaner.remove(ctx, ours); err != nil {
			return removed, kept, fmt.Errorf("removing what run %s left: %w", leftover.Run, err)
		}
		removed = append(removed, leftover)
	}
	return removed, kept, nil
}

func byRun(found []orphan) []Leftover {
	runsFound := map[string]*Leftover{}
	for _, one := range found {
		leftover := runsFound[one.run]
		if leftover == nil {
			leftover = &Leftover{Run: one.run}
			runsFound[one.run] = leftover
		}
		leftover.Objects = append(leftover.Objects, one.resource.Resource+"/"+one.name)
		if one.owner != "" {
			leftover.Owner = one.owner
		}
	}
	var list []Leftover
	for _, run := range slices.Sorted(maps.Keys(runsFound)) {
		leftover := runsFound[run]
		slices.Sort(leftover.Objects)
		if leftover.Owner != "" {
			running, known := runs(leftover.Owner)
			leftover.Running = running || !known
		}
		list = append(list, *leftover)
	}
	return list
}
