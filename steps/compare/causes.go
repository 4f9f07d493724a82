package compare

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

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
	for _, cause := range r.options.Causes {
		if err := r.attributeTo(ctx, cause, e, certificates, findings, probes); err != nil {
			return fmt.Errorf("attributing differences to %s: %w", cause.Name, err)
		}
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
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, r.options.Parallel))
	for _, finding := range findings {
		group.Go(func() error {
			probe := probes[finding.ID]
			want, err := r.ask(ctx, r.reference, probe)
			if err != nil {
				return err
			}
			outcome, err := r.compare(ctx, probe, want, session)
			if err != nil || outcome.Finding == nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			finding.Causes = append(finding.Causes, cause.Name)
			return nil
		})
	}
	return group.Wait()
}
