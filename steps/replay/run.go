// Package replay sends the requests of a record to an ingress controller and compares its answers with the recorded ones,
// or records the answers of a controller.
//
//	record   the format of records
//	setup    what the namespaces of a case hold besides the case's own objects
//	send     sends requests as they are written
//	compare  compares answers, and says what a difference means
//	reports/agreement  the results, as values and as files
//
// A Target is the controller, on a cluster (package cluster) or in the process of a test.
package replay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/ingress-testbed/testbed/reports/agreement"
	"github.com/ingress-testbed/testbed/steps/replay/compare"
	"github.com/ingress-testbed/testbed/steps/replay/record"
	"github.com/ingress-testbed/testbed/steps/replay/send"
)

// ErrUnsupported is wrapped by errors of a Target about a case that it doesn't support. The case is then skipped, with the
// error as the reason.
var ErrUnsupported = errors.New("not supported here")

// Target is a controller that cases are replayed against. Its methods may be called from several goroutines.
type Target interface {
	// Begin makes the objects of a case and waits until the controller has taken them up.
	Begin(ctx context.Context, one *record.Case) (*Session, error)
}

// Session is a case whose objects the controller has.
type Session struct {
	Client *send.Client
	// Bindings of the case's placeholders.
	Bindings record.Bindings
	// Admission is the decision on each object, by its name. Objects that were not decided on are missing.
	Admission map[string]record.Admission
	// End deletes the objects of the case.
	End func(context.Context) error
}

// Options of a run.
type Options struct {
	// Parallel is how many cases run at the same time; 1 if it is less.
	Parallel int
	// Progress is called when a case has ended; nil for none. It is called by one goroutine at a time.
	Progress func(done, all int, result agreement.Case)
	// Deliberate returns the name of the deliberate difference that makes a check of a case disagree; "" if it is none. It may
	// be nil.
	Deliberate func(name, check string) string
}

// minimumForShares is how often a request is sent whose answers have known shares. The binomial test doesn't depend on how
// many answers were recorded, and detects smaller deviations with more requests.
const minimumForShares = 1000

// Run replays the cases and returns the comparison, in the order of the cases. When ctx ends, the cases that haven't ended
// are left out, and the error is returned with the rest.
func Run(ctx context.Context, whole *record.Record, cases []*record.Case, target Target, options Options) ([]agreement.Area, error) {
	results := make([]agreement.Case, len(cases))
	done := make([]bool, len(cases))
	var mu sync.Mutex
	finished := 0
	err := schedule(ctx, cases, max(1, options.Parallel), func(ctx context.Context, index int) error {
		result, err := replay(ctx, whole, cases[index], target, options.Deliberate)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		results[index], done[index] = result, true
		finished++
		if options.Progress != nil {
			options.Progress(finished, len(cases), result)
		}
		return nil
	})
	var areas []agreement.Area
	for i, one := range cases {
		if !done[i] {
			continue
		}
		at := slices.IndexFunc(areas, func(a agreement.Area) bool { return a.Name == one.Area })
		if at < 0 {
			at = len(areas)
			areas = append(areas, agreement.Area{Name: one.Area})
		}
		areas[at].Cases = append(areas[at].Cases, results[i])
	}
	return areas, err
}

// endTimeout bounds the deletion of a case's objects.
const endTimeout = time.Minute

// replay runs one case. The error is the end of ctx; any other is part of the result.
func replay(ctx context.Context, whole *record.Record, one *record.Case, target Target,
	deliberate func(name, check string) string) (agreement.Case, error) {
	started := time.Now()
	result := agreement.Case{Name: one.Name, Note: one.Note, Users: one.Users, Objects: objectsText(one)}
	err := checks(ctx, whole, one, target, deliberate, &result)
	result.Seconds = time.Since(started).Seconds()
	switch {
	case ctx.Err() != nil:
		return result, context.Cause(ctx)
	case errors.Is(err, ErrUnsupported):
		result.Skipped = err.Error()
	case err != nil:
		result.Problem = err.Error()
	}
	return result, nil
}

// checks makes the checks of a case.
func checks(ctx context.Context, whole *record.Record, one *record.Case, target Target,
	deliberate func(name, check string) string, result *agreement.Case) (err error) {
	session, err := target.Begin(ctx, one)
	if err != nil {
		return err
	}
	defer func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
		defer cancel()
		err = errors.Join(err, session.End(ending))
	}()
	names := one.CheckNames()
	result.Checks = append(result.Checks, admissionChecks(one, names, session)...)
	for i := range one.Requests {
		check, err := checkRequest(ctx, one.Requests[i], session)
		if err != nil {
			return fmt.Errorf("request %d: %w", i+1, err)
		}
		check.Name = names[len(one.Objects)+i]
		result.Checks = append(result.Checks, check)
	}
	for i := range result.Checks {
		check := &result.Checks[i]
		if exception := whole.Exception(one.Name, check.Name); exception != nil {
			check.Exception = &agreement.Exception{Kind: string(exception.Kind), Reason: exception.Reason}
		}
		if !check.Agrees() && deliberate != nil {
			check.Deliberate = deliberate(one.Name, check.Name)
		}
	}
	return nil
}

// admissionChecks compares the decisions on the objects. The messages are shown, but not compared.
func admissionChecks(one *record.Case, names []string, session *Session) []agreement.Check {
	var all []agreement.Check
	for i, object := range one.Objects {
		want, recorded := one.Admission[object.Name()]
		got, decided := session.Admission[object.Name()]
		if !recorded || !decided {
			continue
		}
		check := agreement.Check{
			Name: names[i], Want: string(want), Got: string(got),
		}
		if (want == record.Accepted) != (got == record.Accepted) {
			gravity := compare.RouteLost
			if got == record.Accepted {
				gravity = compare.Headers
			}
			check.Differences = []agreement.Difference{difference(compare.Difference{
				Kind: compare.Admission, Gravity: gravity, What: "admission", Want: string(want), Got: string(got),
			})}
		}
		all = append(all, check)
	}
	return all
}

// checkRequest sends a request and compares the answers.
func checkRequest(ctx context.Context, request record.Request, session *Session) (agreement.Check, error) {
	bound, err := session.Bindings.Request(request)
	if err != nil {
		return agreement.Check{}, err
	}
	if bound.Judge == record.JudgeShare && !slices.ContainsFunc(bound.Answers, func(a record.Answer) bool { return a.Share == 0 }) {
		bound.Times = max(bound.Times, minimumForShares)
	}
	exchanges, err := session.Client.Do(ctx, bound)
	if err != nil {
		return agreement.Check{}, err
	}
	var observed []compare.Observed
	var answers []record.Answer
	for _, exchange := range exchanges {
		observed = append(observed, compare.Observed{Answer: exchange.Answer, Took: exchange.Took})
		answers = append(answers, exchange.Answer)
	}
	verdict, err := compare.Judge(bound, observed)
	if err != nil {
		return agreement.Check{}, err
	}
	check := agreement.Check{
		Want: answersText(bound.Answers), Got: answersText(folded(answers)), Distribution: verdict.Distribution,
	}
	for _, one := range verdict.Differences {
		check.Differences = append(check.Differences, difference(one))
	}
	return check, nil
}

func difference(d compare.Difference) agreement.Difference {
	return agreement.Difference{
		Kind: string(d.Kind), Gravity: d.Gravity.String(), Rank: int(d.Gravity), What: d.What, Want: d.Want, Got: d.Got,
	}
}

// folded counts equal answers. Different values of cookies and request IDs don't make answers different here, because there
// would be as many as requests.
func folded(answers []record.Answer) []record.Answer {
	var all []record.Answer
	for _, answer := range answers {
		at := slices.IndexFunc(all, func(known record.Answer) bool {
			return compare.Outcome(known) == compare.Outcome(answer) && known.Backend == answer.Backend &&
				len(known.Headers) == len(answer.Headers)
		})
		if at < 0 {
			at = len(all)
			all = append(all, answer)
		}
		all[at].Count++
	}
	if len(all) == 1 && all[0].Count == 1 {
		all[0].Count = 0
	}
	return all
}

func objectsText(one *record.Case) string {
	var parts []string
	for _, object := range one.Objects {
		content, err := yaml.Marshal(map[string]any(object))
		if err != nil {
			continue // it was read from YAML
		}
		parts = append(parts, string(content))
	}
	return strings.Join(parts, "---\n")
}

// maxAnswerText bounds the text of the answers of a check, in bytes.
const maxAnswerText = 16 << 10

func answersText(answers []record.Answer) string {
	content, err := record.Encode(answers)
	if err != nil {
		return err.Error()
	}
	if len(content) > maxAnswerText {
		return strings.ToValidUTF8(string(content[:maxAnswerText]), "") + "\n…"
	}
	return string(content)
}
