package compare

import (
	"context"
	"fmt"
	"strings"

	"github.com/ingress-testbed/testbed/steps/compare/judge"
	"github.com/ingress-testbed/testbed/steps/statistics"
)

// unjudged returns why repeated answers can't be compared: some of one side are of a broken connection, or all are and the side
// doesn't respond at all. It returns "" if they can.
func (f *confirmer) unjudged(ctx context.Context, candidate Session, wants, gots []judge.Observation) string {
	for _, side := range []struct {
		name    string
		session Session
		answers []judge.Observation
	}{{"the reference", f.asker.reference, wants}, {"the candidate", candidate, gots}} {
		broken, all := 0, 0
		for _, observation := range side.answers {
			for _, answer := range observation.Answers {
				all++
				if judge.Interrupted(answer) {
					broken++
				}
			}
		}
		switch {
		case broken == 0:
		case broken < all:
			return fmt.Sprintf("the answers of %s to the same request change: %s", side.name, outcomes(side.answers))
		default:
			if err := side.session.Alive(ctx); err != nil {
				return fmt.Sprintf("%s doesn't respond: %v", side.name, err)
			}
		}
	}
	return ""
}

// outcomes says how often there was which outcome.
func outcomes(all []judge.Observation) string {
	counts := statistics.Counts{}
	for _, observation := range all {
		for _, answer := range observation.Answers {
			counts[judge.Outcome(answer)]++
		}
	}
	return strings.TrimSpace(judge.Counts(counts))
}
