package problem

import (
	"cmp"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
)

// List collects each Problem once, in the order in which they were found. The zero value is empty.
type List struct {
	list []Problem
	seen map[Problem]bool
}

// Add adds a Problem, unless the list has it.
func (p *List) Add(problem Problem) {
	if p.seen == nil {
		p.seen = map[Problem]bool{}
	}
	if !p.seen[problem] {
		p.seen[problem] = true
		p.list = append(p.list, problem)
	}
}

// All lists the problems in the order in which they were found.
func (p *List) All() []Problem { return p.list }

// InOrder lists the problems by object: those of the settings first, then by Ingress in the order given.
func (p *List) InOrder(ingresses []*networkingv1.Ingress) []Problem {
	ranks := rank(p.list, ingresses)
	slices.SortStableFunc(p.list, func(a, b Problem) int { return cmp.Compare(ranks[a.Object], ranks[b.Object]) })
	return p.list
}

// rank is the place of each object in the order of the Ingresses, from 1.
func rank(of []Problem, ingresses []*networkingv1.Ingress) map[Object]int {
	ranks := make(map[Object]int, len(of))
	for _, problem := range of {
		ranks[problem.Object] = 0
	}
	if len(ranks) == 0 {
		return ranks
	}
	for i, ingress := range ingresses {
		object := IngressObject(ingress)
		if _, concerned := ranks[object]; concerned {
			ranks[object] = i + 1
		}
	}
	return ranks
}
