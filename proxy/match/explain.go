package match

import (
	"maps"
	"slices"
	"strings"

	"github.com/ingress-testbed/testbed/proxy/message"
)

// Considered is a value that Find has compared with a request, or has left out because its path is another one.
type Considered[T any] struct {
	Value T
	// MatchesPath and MeetsConditions report whether the two parts of its match hold.
	MatchesPath, MeetsConditions bool
}

// Server returns the name of the host that Find selects, as it was added.
func (h *Hosts[T]) Server(host string) (name string, found bool) {
	paths := h.paths(host)
	switch {
	case paths == nil:
		return "", false
	case paths == h.exact[host]:
		return host, true
	case paths == h.rest:
		return "", true
	}
	return "*" + host[strings.IndexByte(host, '.'):], true
}

// Explain returns all values of the host that Find selects in the order in which they are preferred: Find returns the first
// one that matches in both ways. It is slow.
func (h *Hosts[T]) Explain(host, path string, r *message.Request) []Considered[T] {
	paths := h.paths(host)
	if paths == nil {
		return nil
	}
	return paths.explain(path, r)
}

func (p *Paths[T]) explain(path string, r *message.Request) []Considered[T] {
	var all []Considered[T]
	for _, key := range slices.Sorted(maps.Keys(p.exact)) {
		all = p.exact[key].explain(all, key == path, r)
	}
	matching := map[*element[T]]bool{}
	for node := p.prefixes.longest(path); node != nil; node = node.parent {
		matching[node] = true
	}
	nodes := p.prefixes.all(nil)
	slices.SortStableFunc(nodes, func(a, b *element[T]) int { return b.length - a.length })
	for _, pattern := range p.patterns.list {
		for len(nodes) > 0 && max(nodes[0].length, 1) > len(pattern.path.Value) {
			all = nodes[0].choices.explain(all, matching[nodes[0]], r)
			nodes = nodes[1:]
		}
		all = pattern.choices.explain(all, pattern.regex.MatchString(path), r)
	}
	for _, node := range nodes {
		all = node.choices.explain(all, matching[node], r)
	}
	return all
}

// all appends the nodes that have a value, in an order that depends on nothing but the paths.
func (e *element[T]) all(nodes []*element[T]) []*element[T] {
	if e.choices.otherwise != nil || len(e.choices.conditional) > 0 {
		nodes = append(nodes, e)
	}
	for _, name := range slices.Sorted(maps.Keys(e.children)) {
		nodes = e.children[name].all(nodes)
	}
	return nodes
}

func (c *choices[T]) explain(all []Considered[T], matchesPath bool, r *message.Request) []Considered[T] {
	for i := range c.conditional {
		one := &c.conditional[i]
		all = append(all, Considered[T]{one.value, matchesPath, one.conditions.meets(r)})
	}
	if c.otherwise != nil {
		all = append(all, Considered[T]{*c.otherwise, matchesPath, true})
	}
	return all
}
