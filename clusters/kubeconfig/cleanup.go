package kubeconfig

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// Leftover is what a run that didn't end properly left in a cluster.
type Leftover struct {
	// Run is the value of its label.
	Run string
	// Owner is the process that made it, as HOST/PID/START; "" if that isn't known any more.
	Owner string
	// Objects without a namespace, as "namespaces/testbed-…". What is in the namespaces goes with them.
	Objects []string
	// Running says that the owner is still at it, or may be: a process of another machine can't be asked.
	Running bool
}

// Cleanup removes what runs left in the cluster, and returns what it removed and what it kept: that of runs which go on,
// unless all is to go.
func Cleanup(ctx context.Context, config Config, all bool) (removed, kept []Leftover, err error) {
	access, err := config.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	broom, err := newBroom(access.rest)
	if err != nil {
		return nil, nil, err
	}
	found, err := broom.find(ctx, "")
	if err != nil {
		return nil, nil, err
	}
	for _, leftover := range byRun(found) {
		if leftover.Running && !all {
			kept = append(kept, leftover)
			continue
		}
		ours := slices.DeleteFunc(slices.Clone(found), func(one remnant) bool { return one.run != leftover.Run })
		if err := broom.remove(ctx, ours); err != nil {
			return removed, kept, fmt.Errorf("removing what run %s left: %w", leftover.Run, err)
		}
		removed = append(removed, leftover)
	}
	return removed, kept, nil
}

func byRun(found []remnant) []Leftover {
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
