// Package mutant makes tables that are wrong in one way each, to test tests: whatever compares or checks a proxy has to
// find a proxy that serves such a table.
//
// A mutant has a subject, which is a type of policy or a part of the route model, and a fault. The table that a front-end
// has made is changed before it is applied:
//
//	for _, m := range mutant.All() {
//		server.Apply(m.Apply(table))
//	}
//
// A test of this package fails if a policy or a part of a table has no mutant.
package mutant

import (
	"slices"

	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/policy/access"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Fault is what a mutant does with its subject.
type Fault string

// The faults.
const (
	// Ignored leaves the subject out of the table.
	Ignored Fault = "ignored"
	// Inverted negates its decision: requests that it answers pass, and it answers the others. Where it only chooses, it
	// chooses the opposite.
	Inverted Fault = "inverted"
	// Neighbour applies it to the neighbouring route, too: the next one of the host, or of the next host if the host has no
	// other.
	Neighbour Fault = "neighbour"
)

// Mutant is one way in which a table can be wrong.
type Mutant struct {
	// Subject is the name of a type of policy, such as "access.Basic", or of a part of the route model, such as
	// "table.Forwarded".
	Subject string
	Fault   Fault

	change func(*route.Table)
}

// Name is the subject and the fault: "access.Basic ignored".
func (m Mutant) Name() string { return m.Subject + " " + string(m.Fault) }

// Apply returns a table that differs from the given one in the mutant's fault; it is equal if the table doesn't have the
// subject. The given table is not changed.
func (m Mutant) Apply(table *route.Table) *route.Table {
	mutated := clone(table)
	m.change(mutated)
	return mutated
}

// Changes reports whether the table has the subject, so that the mutant of it differs.
func (m Mutant) Changes(table *route.Table) bool { return !m.Apply(table).Equal(table) }

// All returns all mutants that can differ from a table, in the order of their subjects.
func All() []Mutant {
	var all []Mutant
	for _, s := range policies() {
		all = append(all, s.mutants()...)
	}
	return slices.Concat(all, matches(), actions(), upstreams(), tables())
}

// Same returns what All leaves out: mutants that equal each table of the test-bed's controller, which a survey of tables can
// verify.
func Same() []Mutant {
	var same []Mutant
	for _, s := range policies() {
		if s.everywhere {
			same = append(same, s.neighbour())
		}
	}
	return same
}

// clone copies a table as deep as mutants change it.
func clone(table *route.Table) *route.Table {
	copied := *table
	copied.Hosts = slices.Clone(table.Hosts)
	for i := range copied.Hosts {
		copied.Hosts[i].Routes = slices.Clone(copied.Hosts[i].Routes)
	}
	copied.Upstreams = slices.Clone(table.Upstreams)
	copied.Certificates = slices.Clone(table.Certificates)
	copied.ClientAuthorities = slices.Clone(table.ClientAuthorities)
	copied.Streams = slices.Clone(table.Streams)
	copied.Passthroughs = slices.Clone(table.Passthroughs)
	copied.ClientTLS = slices.Clone(table.ClientTLS)
	return &copied
}

// eachRoute calls change for every route.
func eachRoute(change func(*route.Route)) func(*route.Table) {
	return func(table *route.Table) {
		for i := range table.Hosts {
			for k := range table.Hosts[i].Routes {
				change(&table.Hosts[i].Routes[k])
			}
		}
	}
}

// replace returns the policies with others in place of some; nil drops one. It looks into policies that combine others.
func replace(list []route.Policy, by func(route.Policy) route.Policy) []route.Policy {
	var replaced []route.Policy
	for _, p := range list {
		if group, combines := p.(access.Any); combines {
			p = by(p)
			if kept, still := p.(access.Any); still && kept.Equal(group) {
				p = replaceIn(group, by)
			}
		} else {
			p = by(p)
		}
		if p != nil {
			replaced = append(replaced, p)
		}
	}
	return replaced
}

// replaceIn is replace for the policies of a group; nil if none is left.
func replaceIn(group access.Any, by func(route.Policy) route.Policy) route.Policy {
	var kept []policy.Policy
	for _, p := range group.Of {
		if staged, ok := by(p).(policy.Policy); ok {
			kept = append(kept, staged)
		}
	}
	if len(kept) == 0 {
		return nil
	}
	return access.Any{Of: kept}
}
