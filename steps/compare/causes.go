package compare

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ingress-testbed/testbed/reports/comparison"
	"github.com/ingress-testbed/testbed/steps/compare/derive"
	"github.com/ingress-testbed/testbed/steps/compare/estate"
	"github.com/ingress-testbed/testbed/steps/compare/judge"
)

// Cause is something that a difference may come from.
type Cause struct {
	Name string
	// Target is the reference but for this.
	Target Target
}

// attributed is a finding whose causes are sought.
type attributed struct {
	finding   *comparison.Finding
	probe     *derive.Probe
	candidate Session
	// partly are causes that change a difference, by What, and don't explain it alone.
	partly map[string][]string
}

// attribute finds the causes of each difference: those whose target answers as the candidate does where the reference doesn't. If no
// cause does so alone, they are all whose target answers in another way than the reference; and if there are none of these either,
// such as for the backend where one redirect becomes another one, the causes of the other differences.
func (r *runner) attribute(ctx context.Context, e *estate.Estate, certificates []string) error {
	probes := r.probesByID()
	var all []*attributed
	for c := range r.report.Candidates {
		for i := range r.report.Candidates[c].Findings {
			finding := &r.report.Candidates[c].Findings[i]
			all = append(all, &attributed{finding: finding, probe: probes[finding.ID], candidate: r.candidates[c], partly: map[string][]string{}})
		}
	}
	if len(all) == 0 {
		return nil
	}
	for done, cause := range r.options.Causes {
		if err := r.attributeTo(ctx, cause, e, certificates, all); err != nil {
			return fmt.Errorf("attributing differences to %s: %w", cause.Name, err)
		}
		r.progress(stageCauses, done+1, len(r.options.Causes))
	}
	for _, one := range all {
		one.conclude()
	}
	return nil
}

// conclude sets the causes of a finding to those of its differences.
func (a *attributed) conclude() {
	for i := range a.finding.Differences {
		difference := &a.finding.Differences[i]
		if len(difference.Causes) == 0 {
			difference.Causes = a.partly[difference.What]
		}
		for _, cause := range difference.Causes {
			if !slices.Contains(a.finding.Causes, cause) {
				a.finding.Causes = append(a.finding.Causes, cause)
			}
		}
	}
	for i := range a.finding.Differences {
		if difference := &a.finding.Differences[i]; len(difference.Causes) == 0 {
			difference.Causes = slices.Clone(a.finding.Causes)
		}
	}
}

func (r *runner) attributeTo(ctx context.Context, cause Cause, e *estate.Estate, certificates []string, all []*attributed) (err error) {
	session, err := cause.Target.Begin(ctx, e, certificates)
	if err != nil {
		return err
	}
	defer func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
		defer cancel()
		err = errors.Join(err, session.End(ending))
	}()
	suspects := make([]*suspect, len(all))
	if err := r.each(ctx, len(all), func(ctx context.Context, i int) error {
		probe := all[i].probe
		if has(all[i].finding, judge.Share) { // one answer of each says nothing
			suspects[i] = &suspect{probe: probe, candidate: session, whoAnswers: true}
			return nil
		}
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
		if err := r.explainBy(ctx, cause.Name, all[i], *s); err != nil {
			return err
		}
	}
	return nil
}

// explainBy adds a cause to the differences of a finding that it explains.
func (r *runner) explainBy(ctx context.Context, cause string, a *attributed, s suspect) error {
	changed, err := r.confirmer.confirm(ctx, s)
	if err != nil || changed.Finding == nil {
		return err
	}
	other := r.confirmer
	other.asker = &asker{reference: a.candidate, numbers: r.asker.numbers}
	left, err := other.confirm(ctx, s)
	if err != nil || left.Unjudged != "" {
		return err
	}
	for i := range a.finding.Differences {
		difference := &a.finding.Differences[i]
		switch {
		case !has(changed.Finding, difference.What):
		case has(left.Finding, difference.What):
			a.partly[difference.What] = append(a.partly[difference.What], cause)
		default:
			difference.Causes = append(difference.Causes, cause)
		}
	}
	return nil
}

// has reports whether a finding has a difference; nil has none.
func has(finding *comparison.Finding, what string) bool {
	return finding != nil && slices.ContainsFunc(finding.Differences, func(d comparison.Difference) bool { return d.What == what })
}
