package compare

import (
	"context"
	"errors"
	"fmt"

	"github.com/ingress-testbed/testbed/reports/comparison"
	"github.com/ingress-testbed/testbed/steps/compare/derive"
	"github.com/ingress-testbed/testbed/steps/compare/estate"
)

// Cause is something that a difference may come from.
type Cause struct {
	Name string
	// Target is the reference but for this.
	Target Target
}

// attribute sends the request of each finding to the target of each cause. Where it differs from the reference, the cause is one
// of the finding's.
func (r *runner) attribute(ctx context.Context, e *estate.Estate, certificates []string) error {
	probes := r.probesByID()
	var findings []*comparison.Finding
	for c := range r.report.Candidates {
		for i := range r.report.Candidates[c].Findings {
			findings = append(findings, &r.report.Candidates[c].Findings[i])
		}
	}
	if len(findings) == 0 {
		return nil
	}
	for done, cause := range r.options.Causes {
		if err := r.attributeTo(ctx, cause, e, certificates, findings, probes); err != nil {
			return fmt.Errorf("attributing differences to %s: %w", cause.Name, err)
		}
		r.progress(stageCauses, done+1, len(r.options.Causes))
	}
	return nil
}

func (r *runner) attributeTo(ctx context.Context, cause Cause, e *estate.Estate, certificates []string, findings []*comparison.Finding,
	probes map[string]*derive.Probe) (err error) {
	session, err := cause.Target.Begin(ctx, e, certificates)
	if err != nil {
		return err
	}
	defer func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
		defer cancel()
		err = errors.Join(err, session.End(ending))
	}()
	suspects := make([]*suspect, len(findings))
	if err := r.each(ctx, len(findings), func(ctx context.Context, i int) error {
		probe := probes[findings[i].ID]
		want, err := r.asker.ask(ctx, r.asker.reference, probe)
		if err != nil {
			return err
		}
		differences, err := r.asker.differences(ctx, probe, want, session)
		if len(differences) > 0 {
			suspects[i] = &suspect{probe: probe, candidate: session, whoAnswers: isAboutWhoAnswers(differences)}
		}
		return err
	}); err != nil {
		return err
	}
	for i, s := range suspects {
		if s == nil {
			continue
		}
		outcome, err := r.confirmer.confirm(ctx, *s)
		if err != nil {
			return err
		}
		if outcome.Finding != nil {
			findings[i].Causes = append(findings[i].Causes, cause.Name)
		}
	}
	return nil
}
