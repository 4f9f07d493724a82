package compare

import (
	"context"
	"errors"
	"slices"

	"github.com/ingress-testbed/testbed/reports/comparison"
	"github.com/ingress-testbed/testbed/steps/compare/derive"
	"github.com/ingress-testbed/testbed/steps/compare/judge"
)

// notTakenUp is why an Ingress counts as not taken up that the candidate didn't refuse.
const notTakenUp = "requests for its rules are answered as those for a host that no Ingress has"

// takenUp adds the Ingresses to the refused ones that a candidate has accepted and serves nothing for: all of their rules are answered
// as a host that no Ingress has, other than by the reference. Only Ingresses with findings can be such.
func (r *runner) takenUp(ctx context.Context) error {
	probes := r.ruleProbes()
	for c := range r.report.Candidates {
		candidate := &r.report.Candidates[c]
		for i := range candidate.Refused {
			candidate.Refused[i].Log = r.logAbout(ctx, r.candidates[c], candidate.Refused[i].Ingress)
		}
		var suspects []string
		for _, finding := range candidate.Findings {
			if !slices.Contains(suspects, finding.Ingress) && !slices.ContainsFunc(candidate.Refused, func(known comparison.Refusal) bool {
				return known.Ingress == finding.Ingress
			}) {
				suspects = append(suspects, finding.Ingress)
			}
		}
		missing := make([]bool, len(suspects))
		err := r.each(ctx, len(suspects), func(ctx context.Context, i int) (err error) {
			missing[i], err = r.isUnknown(ctx, probes[suspects[i]], r.candidates[c])
			return err
		})
		if err != nil {
			return err
		}
		for i, name := range suspects {
			if missing[i] {
				candidate.Refused = append(candidate.Refused, comparison.Refusal{Ingress: name, Reason: notTakenUp, Log: r.logAbout(ctx, r.candidates[c], name)})
			}
		}
		candidate.Sort()
	}
	return nil
}

// logAbout is what the log of a candidate says about an Ingress. It is evidence: a log that can't be read is no reason to fail.
func (r *runner) logAbout(ctx context.Context, candidate Session, ingress string) string {
	logger, ok := candidate.(Logger)
	if !ok {
		return ""
	}
	text, err := logger.LogAbout(ctx, ingress)
	if err != nil {
		return "the log can't be read: " + err.Error()
	}
	return text
}

// ruleProbes are the requests for the rules as they are written, by Ingress.
func (r *runner) ruleProbes() map[string][]*derive.Probe {
	all := map[string][]*derive.Probe{}
	for i := range r.plan.Probes {
		probe := &r.plan.Probes[i]
		for _, reason := range probe.Reasons {
			if reason.IsRule() {
				all[reason.Ingress] = append(all[reason.Ingress], probe)
			}
		}
	}
	return all
}

// isUnknown reports whether a candidate answers all requests as those for an unknown host, and the reference at least one of them in
// another way.
func (r *runner) isUnknown(ctx context.Context, probes []*derive.Probe, candidate Session) (bool, error) {
	different := false
	for _, probe := range probes {
		unknown, err := r.likeUnknown(ctx, probe, candidate)
		if errors.Is(err, ErrUnsupported) {
			continue
		}
		if err != nil || !unknown {
			return false, err
		}
		known, err := r.likeUnknown(ctx, probe, r.asker.reference)
		if err != nil {
			return false, err
		}
		different = different || !known
	}
	return different, nil
}

// likeUnknown reports whether a request and the same for an unknown host have the same answer.
func (r *runner) likeUnknown(ctx context.Context, probe *derive.Probe, session Session) (bool, error) {
	got, err := r.asker.ask(ctx, session, probe)
	if err != nil {
		return false, err
	}
	unknown := probe.ToUnknownHost()
	want, err := r.asker.ask(ctx, session, &unknown)
	if err != nil {
		return false, err
	}
	return judge.Outcome(got.Answers[0]) == judge.Outcome(want.Answers[0]), nil
}
