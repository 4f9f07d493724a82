package comparison

import "strings"

// refusals are Ingresses that were not taken up for the same reason.
type refusals struct {
	Ingresses   []string
	Reason, Log string
}

// Names of the Ingresses, in one line.
func (r refusals) Names() string { return strings.Join(r.Ingresses, ", ") }

// refusals groups the Ingresses that were not taken up by the reason, in the order of the first of each. Lines of a log are about one
// Ingress.
func (c *Candidate) refusals() []refusals {
	var all []refusals
	groups := map[string]int{}
	for _, one := range c.Refused {
		if at, known := groups[one.Reason]; known && one.Log == "" {
			all[at].Ingresses = append(all[at].Ingresses, one.Ingress)
			continue
		}
		if one.Log == "" {
			groups[one.Reason] = len(all)
		}
		all = append(all, refusals{Ingresses: []string{one.Ingress}, Reason: one.Reason, Log: one.Log})
	}
	return all
}
