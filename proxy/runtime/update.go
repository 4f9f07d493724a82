package runtime

import (
	"fmt"
	"maps"
	"slices"

	"github.com/ingress-testbed/testbed/proxy/route"
)

// Update makes a table that differs from the last one in some upstreams, which it replaces by name. Its cost depends on
// their number, and hardly on the size of the table: a pointer for each upstream is copied. It fails, and changes nothing,
// if the last table does not have one of them.
func (c *Compiler) Update(upstreams []route.Upstream) (next *Table, problems []error, err error) {
	if c.last == nil {
		return nil, nil, fmt.Errorf("there is no table to update")
	}
	for _, source := range upstreams {
		if slot, known := c.slots.byName[source.Name]; !known || slot >= len(c.last.upstreams) || c.last.upstreams[slot] == nil {
			return nil, nil, fmt.Errorf("upstream %q is not in the table", source.Name)
		}
	}
	copied := *c.last
	next = &copied
	next.upstreams, next.updated = slices.Clone(c.last.upstreams), maps.Clone(c.last.updated)
	if next.updated == nil {
		next.updated = map[int]bool{}
	}
	for _, source := range upstreams {
		slot := c.slots.byName[source.Name]
		former := next.upstreams[slot]
		made := c.compileUpstream(slot, source)
		next.upstreams[slot], next.updated[slot] = made, true
		c.pools.change([]*Upstream{former}, []*Upstream{made})
		if c.called[source.Name] {
			next.called = maps.Clone(next.called)
			next.called[source.Name] = made
		}
		if made.Problem != nil {
			problems = append(problems, made.Problem)
		}
	}
	c.last = next
	return next, problems, nil
}
