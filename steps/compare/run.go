package compare

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ingress-testbed/testbed/reports/comparison"
	"github.com/ingress-testbed/testbed/steps/compare/derive"
	"github.com/ingress-testbed/testbed/steps/compare/estate"
	compared "github.com/ingress-testbed/testbed/steps/replay/compare"
)

// Options of a run.
type Options struct {
	// Parallel is how many requests are sent at the same time to each target; 1 if it is less.
	Parallel int
	Limits   derive.Limits
	// Progress is called after each request; nil for none. It is called by one goroutine at a time. stage says what is done.
	Progress func(stage string, done, all int)
	// Pauses are those before a request is sent again whose answers can't be judged, because connections broke; nil is the
	// default: 1 and 4 seconds.
	Pauses []time.Duration
	// Causes are what findings are attributed to.
	Causes []Cause
	// Journal has the results of a run that was broken off; nil for none.
	Journal Journal
}

// Journal remembers the results of requests.
type Journal interface {
	// Lookup returns what is known about a request.
	Lookup(id string) (Result, bool)
	// Add adds a result.
	Add(id string, result Result) error
}

// Result is what came of a request, by candidate.
type Result []Outcome

// Outcome is what came of a request to the reference and a candidate.
type Outcome struct {
	// Skipped is why the request wasn't sent; "" if it was.
	Skipped string `json:"skipped,omitempty"`
	// ByChance is whether the answers differ in a way that other answers of the same controller do, too.
	ByChance bool `json:"byChance,omitempty"`
	// Unjudged is why the answers can't be compared, such as connections that break now and then; "" if they can.
	Unjudged string `json:"unjudged,omitempty"`
	// Finding is nil if the answers are the same.
	Finding *comparison.Finding `json:"finding,omitempty"`
}

// endTimeout bounds the deletion of what was made.
const endTimeout = 2 * time.Minute

// Run sends the requests that are derived from the Ingresses to the reference and the candidates, and returns the differences.
// When ctx ends, what was found until then is returned with the error.
func Run(ctx context.Context, e *estate.Estate, reference Target, candidates []Target, options Options) (report *comparison.Report, err error) {
	r := &runner{options: options, plan: derive.Derive(e, options.Limits)}
	r.asker.numbers = new(atomic.Int64)
	r.confirmer = confirmer{asker: &r.asker, plan: r.plan, pauses: options.Pauses}
	if options.Pauses == nil {
		r.confirmer.pauses = pauses()
	}
	r.report = newReport(e, r.plan, reference)
	defer func() { r.report.Seconds = time.Since(r.report.Started).Seconds() }()
	defer func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
		defer cancel()
		for _, session := range r.sessions() {
			err = errors.Join(err, session.End(ending))
		}
	}()
	certificates := clientCertificates(r.plan)
	if r.asker.reference, err = reference.Begin(ctx, e, certificates); err != nil {
		return r.report, fmt.Errorf("preparing the reference: %w", err)
	}
	for _, candidate := range candidates {
		session, err := candidate.Begin(ctx, e, certificates)
		if err != nil {
			return r.report, fmt.Errorf("preparing the candidate, %s: %w", candidate.Description(), err)
		}
		r.candidates = append(r.candidates, session)
		r.report.Candidates = append(r.report.Candidates, comparison.Candidate{
			Description: candidate.Description(), Refused: refusals(r.asker.reference, session), Skipped: map[string]int{},
		})
	}
	r.report.Notes = append(r.report.Notes, r.notes()...)
	results, err := r.send(ctx)
	r.collect(results)
	if err == nil {
		err = cmp.Or(r.takenUp(ctx), r.attribute(ctx, e, certificates), r.reduce(ctx))
	}
	return r.report, err
}

func clientCertificates(plan *derive.Plan) []string {
	var names []string
	for i := range plan.Probes {
		if name := plan.Probes[i].Request.ClientCertificate; name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// refusals are the Ingresses that only the candidate refuses.
func refusals(reference, candidate Session) []comparison.Refusal {
	var all []comparison.Refusal
	known := reference.Refused()
	for name, reason := range candidate.Refused() {
		if _, both := known[name]; !both {
			all = append(all, comparison.Refusal{Ingress: name, Reason: reason})
		}
	}
	return all
}

type runner struct {
	asker      asker
	confirmer  confirmer
	options    Options
	plan       *derive.Plan
	report     *comparison.Report
	candidates []Session
}

func (r *runner) sessions() []Session {
	if r.asker.reference == nil {
		return nil
	}
	return append([]Session{r.asker.reference}, r.candidates...)
}

// notes are those of all sessions, each once.
func (r *runner) notes() []string {
	var all []string
	for _, session := range r.sessions() {
		for _, note := range session.Notes() {
			if !slices.Contains(all, note) {
				all = append(all, note)
			}
		}
	}
	for name, reason := range r.asker.reference.Refused() {
		all = append(all, fmt.Sprintf("the reference doesn't take up %s: %s", name, reason))
	}
	slices.Sort(all)
	return all
}

// Stages of a run, for Options.Progress.
const (
	stageRequests    = "requests"
	stageDifferences = "differences again"
	stageCauses      = "causes"
	stageReduction   = "smallest requests"
)

// send sends all probes: first many at a time, and then, when that load is gone, each again whose answers differ. The results of
// those that weren't sent before ctx ended are nil.
func (r *runner) send(ctx context.Context) ([]Result, error) {
	results, suspects, err := r.sendAll(ctx)
	if err != nil {
		return results, err
	}
	for done, i := range slices.Sorted(maps.Keys(suspects)) {
		probe, result := &r.plan.Probes[i], results[i]
		results[i] = nil
		wants := r.asker.referenceAnswers(probe)
		for c, s := range suspects[i] {
			s.wants = wants
			if result[c], err = r.confirmer.confirm(ctx, s); err != nil {
				return results, err
			}
		}
		results[i] = result
		if err := r.remember(probe, result); err != nil {
			return results, err
		}
		r.progress(stageDifferences, done+1, len(suspects))
	}
	return results, nil
}

// sendAll sends all probes, many at a time. suspects are those whose answers differ, by probe and candidate; their outcomes are
// still missing.
func (r *runner) sendAll(ctx context.Context) (results []Result, suspects map[int]map[int]suspect, err error) {
	results, suspects = make([]Result, len(r.plan.Probes)), map[int]map[int]suspect{}
	var mu sync.Mutex
	done := 0
	err = r.each(ctx, len(r.plan.Probes), func(ctx context.Context, i int) error {
		result, differs, err := r.probe(ctx, &r.plan.Probes[i])
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		results[i] = result
		if len(differs) > 0 {
			suspects[i] = differs
		}
		done++
		r.progress(stageRequests, done, len(results))
		return nil
	})
	return results, suspects, err
}

// each calls a function for the numbers below n, as many at a time as Options say.
func (r *runner) each(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	return each(ctx, r.options.Parallel, n, do)
}

// each calls a function for the numbers below n, so many at a time.
func each(ctx context.Context, parallel, n int, do func(ctx context.Context, i int) error) error {
	group, sending := errgroup.WithContext(ctx)
	group.SetLimit(max(1, parallel))
	for i := range n {
		if sending.Err() != nil {
			break
		}
		group.Go(func() error { return do(sending, i) })
	}
	return cmp.Or(group.Wait(), context.Cause(ctx))
}

func (r *runner) progress(stage string, done, all int) {
	if r.options.Progress != nil {
		r.options.Progress(stage, done, all)
	}
}

// probe sends a probe to the reference and to all candidates, and returns those whose answers differ.
func (r *runner) probe(ctx context.Context, probe *derive.Probe) (result Result, differs map[int]suspect, err error) {
	if r.options.Journal != nil {
		if known, ok := r.options.Journal.Lookup(probe.ID); ok && len(known) == len(r.candidates) {
			return known, nil, nil
		}
	}
	result, differs = make(Result, len(r.candidates)), map[int]suspect{}
	want, unsupported := r.asker.ask(ctx, r.asker.reference, probe)
	for i, candidate := range r.candidates {
		err := unsupported
		if err == nil {
			var differences []compared.Difference
			if differences, err = r.asker.differences(ctx, probe, want, candidate); len(differences) > 0 {
				differs[i] = suspect{probe: probe, candidate: candidate, whoAnswers: isAboutWhoAnswers(differences)}
			}
		}
		if errors.Is(err, ErrUnsupported) {
			result[i], err = Outcome{Skipped: strings.TrimSuffix(err.Error(), ": "+ErrUnsupported.Error())}, nil
		}
		if err != nil {
			return nil, nil, err
		}
	}
	if len(differs) == 0 {
		return result, nil, r.remember(probe, result)
	}
	return result, differs, nil
}

// remember adds a result to the journal, unless it can't be judged: another run may do.
func (r *runner) remember(probe *derive.Probe, result Result) error {
	if r.options.Journal == nil || slices.ContainsFunc(result, func(o Outcome) bool { return o.Unjudged != "" }) {
		return nil
	}
	return r.options.Journal.Add(probe.ID, result)
}
