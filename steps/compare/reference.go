package compare

import (
	"context"

	"github.com/ingress-testbed/testbed/steps/compare/derive"
	"github.com/ingress-testbed/testbed/steps/compare/judge"
)

// referenceAnswers are those of the reference to a probe which is sent again, so that several candidates are compared with the same
// ones. They are sent when they are needed.
type referenceAnswers struct {
	asker *asker
	probe *derive.Probe
	// single are the answers to the request as it is, and many those to it sent several times, by how often.
	single []judge.Observation
	many   map[int]judge.Observation
}

func (a *asker) referenceAnswers(probe *derive.Probe) *referenceAnswers {
	return &referenceAnswers{asker: a, probe: probe, many: map[int]judge.Observation{}}
}

// forget has the answers sent again: some may be those of a broken connection.
func (r *referenceAnswers) forget() {
	r.single = nil
	clear(r.many)
}

// nth is an answer to the request as it is.
func (r *referenceAnswers) nth(ctx context.Context, n int) (judge.Observation, error) {
	for len(r.single) <= n {
		answer, err := r.asker.ask(ctx, r.asker.reference, r.probe)
		if err != nil {
			return answer, err
		}
		r.single = append(r.single, answer)
	}
	return r.single[n], nil
}

// repeated is the answer to the request sent as often as a copy of it says.
func (r *referenceAnswers) repeated(ctx context.Context, many *derive.Probe) (judge.Observation, error) {
	if known, ok := r.many[many.Request.Times]; ok {
		return known, nil
	}
	answer, err := r.asker.ask(ctx, r.asker.reference, many)
	if err == nil {
		r.many[many.Request.Times] = answer
	}
	return answer, err
}
