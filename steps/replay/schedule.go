package replay

import (
	"context"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/ingress-testbed/testbed/steps/replay/record"
)

// schedule runs do for each case. Cases that can't disturb each other run at the same time; the others come afterwards, one
// by one. The first error ends it.
func schedule(ctx context.Context, cases []*record.Case, parallel int, do func(ctx context.Context, index int) error) error {
	group, shared := errgroup.WithContext(ctx)
	limit := semaphore.NewWeighted(int64(parallel))
	for _, chain := range chains(cases) {
		group.Go(func() error {
			for _, index := range chain {
				if err := limit.Acquire(shared, 1); err != nil {
					return context.Cause(shared)
				}
				err := do(shared, index)
				limit.Release(1)
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i, one := range cases {
		if !Alone(one) {
			continue
		}
		if err := do(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// Alone reports whether no other case may run at the same time: it changes the controller's ConfigMap, or has rules for
// all hosts.
func Alone(one *record.Case) bool {
	return one.Alone || len(one.ConfigMap) > 0 || slices.Contains(hosts(one), "")
}

// chains groups the cases that don't run alone: those of a chain have a host in common and run one after the other.
func chains(cases []*record.Case) [][]int {
	var all [][]int
	chainOf := map[string]int{} // by host
	for i, one := range cases {
		if Alone(one) {
			continue
		}
		at := -1
		own := hosts(one)
		for _, host := range own {
			chain, ok := chainOf[host]
			switch {
			case !ok:
			case at < 0:
				at = chain
			case chain != at: // the case joins two chains
				all[at] = append(all[at], all[chain]...)
				all[chain] = nil
				for known, other := range maps.All(chainOf) {
					if other == chain {
						chainOf[known] = at
					}
				}
			}
		}
		if at < 0 {
			at = len(all)
			all = append(all, nil)
		}
		all[at] = append(all[at], i)
		for _, host := range own {
			chainOf[host] = at
		}
	}
	return slices.DeleteFunc(all, func(chain []int) bool { return len(chain) == 0 })
}

// hosts are the domains that a case is about, those of its rules and its requests, by their last two labels: a rule for a
// wildcard concerns its subdomains. "" is among them if the case has a rule for all hosts.
func hosts(one *record.Case) []string {
	found := map[string]bool{}
	add := func(host string) {
		labels := strings.Split(strings.ToLower(host), ".")
		found[strings.Join(labels[max(0, len(labels)-2):], ".")] = true
	}
	for _, object := range one.Objects {
		if object.Kind() != "Ingress" {
			continue
		}
		spec := mapping(object["spec"])
		if mapping(spec["defaultBackend"]) != nil {
			add("")
		}
		for _, rule := range sequence(spec["rules"]) {
			host, _ := mapping(rule)["host"].(string)
			add(host)
		}
		for _, tls := range sequence(spec["tls"]) {
			for _, host := range sequence(mapping(tls)["hosts"]) {
				name, _ := host.(string)
				add(name)
			}
		}
	}
	for _, request := range one.Requests {
		for _, host := range []string{request.Host, request.ServerName} {
			if host != "" && host != "none" {
				add(host)
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

func mapping(value any) map[string]any {
	switch m := value.(type) {
	case map[string]any:
		return m
	case record.Object: // see record.Object
		return m
	}
	return nil
}

func sequence(value any) []any {
	list, _ := value.([]any)
	return list
}
