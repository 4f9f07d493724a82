package replay

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ingress-testbed/testbed/steps/replay/record"
)

// Record sends the requests of the cases and replaces the answers in the cases. Cases that the target doesn't support get no
// answers; they are returned with the reason. When ctx ends, or when a case can't be run, the error is
// returned, and the cases are to be discarded.
func Record(ctx context.Context, cases []*record.Case, target Target, options Options) (skipped map[string]string, err error) {
	reasons := make([]string, len(cases))
	err = schedule(ctx, cases, max(1, options.Parallel), func(ctx context.Context, index int) error {
		err := recordCase(ctx, cases[index], target)
		if errors.Is(err, ErrUnsupported) {
			reasons[index], err = err.Error(), nil
		}
		if err != nil {
			return fmt.Errorf("case %s: %w", cases[index].Name, err)
		}
		return nil
	})
	skipped = map[string]string{}
	for i, reason := range reasons {
		if reason != "" {
			skipped[cases[i].Name] = reason
		}
	}
	return skipped, err
}

func recordCase(ctx context.Context, one *record.Case, target Target) (err error) {
	session, err := target.Begin(ctx, one)
	if err != nil {
		return err
	}
	defer func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
		defer cancel()
		err = errors.Join(err, session.End(ending))
	}()
	general := newGeneralizer(session.Bindings)
	// Decisions that the target doesn't take are kept.
	one.Admission = maps.Clone(one.Admission)
	if one.Admission == nil {
		one.Admission = map[string]record.Admission{}
	}
	for name, decision := range session.Admission {
		one.Admission[name] = record.Admission(general.text(string(decision)))
	}
	for i := range one.Requests {
		request := &one.Requests[i]
		refill := 0.0
		if request.Judge == record.JudgeBucket {
			refill = request.Refill
		}
		request.Answers, request.Judge, request.Refill = nil, record.JudgeEqual, 0
		bound, err := session.Bindings.Request(*request)
		if err != nil {
			return fmt.Errorf("request %d: %w", i+1, err)
		}
		exchanges, err := session.Client.Do(ctx, bound)
		if err != nil {
			return fmt.Errorf("request %d: %w", i+1, err)
		}
		var answers []record.Answer
		var elapsed time.Duration
		for _, exchange := range exchanges {
			answers = append(answers, shortened(bound, general.answer(exchange.Answer)))
			elapsed += exchange.Took
		}
		grouped(request, answers)
		if refill > 0 {
			if err := limited(request, refill, elapsed); err != nil {
				return fmt.Errorf("request %d: %w", i+1, err)
			}
		}
	}
	return nil
}

// shortened leaves out the parts of the request that the backend received unchanged.
func shortened(sent record.Request, answer record.Answer) record.Answer {
	if answer.Saw == nil {
		return answer
	}
	saw := *answer.Saw
	for _, field := range []struct {
		seen *string
		sent string
	}{{&saw.Method, sent.Method}, {&saw.Target, sent.Target}, {&saw.Version, ""}} {
		usual := field.sent
		switch {
		case field.seen == &saw.Method && usual == "":
			usual = "GET"
		case field.seen == &saw.Version:
			usual = "HTTP/1.1"
		}
		if *field.seen == usual {
			*field.seen = ""
		}
	}
	answer.Saw = &saw
	return answer
}

// grouped counts equal answers and chooses how they are judged: those with cookies in their order, others by their shares.
func grouped(request *record.Request, answers []record.Answer) {
	for _, answer := range answers {
		at := slices.IndexFunc(request.Answers, func(known record.Answer) bool {
			known.Count = 0
			return reflect.DeepEqual(known, answer)
		})
		if at < 0 || request.KeepCookies && at != len(request.Answers)-1 {
			at = len(request.Answers)
			request.Answers = append(request.Answers, answer)
		}
		request.Answers[at].Count++
	}
	switch {
	case len(request.Answers) == 1:
		request.Answers[0].Count = 0
	case request.KeepCookies:
		request.Judge = record.JudgeSequence
	default:
		request.Judge = record.JudgeShare
	}
}

// limited judges answers as those of a rate limit, of which the case says what is refilled in a second. What was refilled while
// the requests were sent is not counted, since it depends on how fast they were. The answers of a controller without the limit are all
// the same; so are those of any controller to requests that are sent too slowly, of which nothing can be recorded.
func limited(request *record.Request, refill float64, elapsed time.Duration) error {
	refilled := int(refill * elapsed.Seconds())
	switch len(request.Answers) {
	case 1:
		if times := request.Repetitions(); 2*refilled >= times {
			return fmt.Errorf("sending %d requests took %s, too long to see a limit that allows %g more each second: %w",
				times, elapsed.Round(time.Millisecond), refill, ErrUnsupported)
		}
	case 2:
		request.Judge, request.Refill = record.JudgeBucket, refill
		later := min(refilled, request.Answers[0].Count-1)
		request.Answers[0].Count -= later
		request.Answers[1].Count += later
	}
	return nil
}

// generalizer replaces values that differ from one run to the next by placeholders.
type generalizer struct{ known *strings.Replacer }

func newGeneralizer(bindings record.Bindings) generalizer {
	// Longer values first: an address may be the beginning of another one.
	names := slices.SortedFunc(maps.Keys(bindings), func(a, b string) int {
		if d := len(bindings[b]) - len(bindings[a]); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	var pairs []string
	for _, name := range names {
		// The class is a word such as "nginx", which may be there by chance.
		if value := bindings[name]; value != "" && name != "class" && !strings.Contains(value, "${") {
			pairs = append(pairs, value, "${"+name+"}")
		}
	}
	return generalizer{strings.NewReplacer(pairs...)}
}

var (
	requestID   = regexp.MustCompile(`\b[0-9a-f]{32}\b`)
	httpDate    = regexp.MustCompile(`[A-Z][a-z]{2}, \d{2}[ -][A-Z][a-z]{2}[ -]\d{2,4} \d{2}:\d{2}:\d{2} GMT`)
	cookieValue = regexp.MustCompile(`^([^=;]+)=[^;]{16,}`)
	sentCookie  = regexp.MustCompile(`([^=; ]+)=[^;]{16,}`)
	podName     = regexp.MustCompile(`\b([a-z0-9]+)-[a-z0-9]{6,10}-[a-z0-9]{5}\b`)
)

func (g generalizer) text(text string) string {
	text = g.known.Replace(text)
	text = httpDate.ReplaceAllString(text, "$${date}")
	text = requestID.ReplaceAllString(text, "$${32 hex digits}")
	return podName.ReplaceAllString(text, "$${pod of $1}")
}

func (g generalizer) answer(answer record.Answer) record.Answer {
	answer.Headers = g.headers(answer.Headers)
	answer.Body, answer.BodyBegins = g.text(answer.Body), g.text(answer.BodyBegins)
	if answer.Saw != nil {
		saw := *answer.Saw
		saw.Headers = g.headers(saw.Headers)
		saw.Target, saw.Body = g.text(saw.Target), g.text(saw.Body)
		answer.Saw = &saw
	}
	return answer
}

// headers generalizes all values, and long values of cookies, which are random.
func (g generalizer) headers(headers map[string]record.Values) map[string]record.Values {
	if headers == nil {
		return nil
	}
	all := map[string]record.Values{}
	for name, values := range headers {
		for _, value := range values {
			switch {
			case strings.EqualFold(name, "Set-Cookie"):
				value = cookieValue.ReplaceAllString(value, "$1=$${any}")
			case strings.EqualFold(name, "Cookie"):
				value = sentCookie.ReplaceAllString(value, "$1=$${any}")
			}
			all[name] = append(all[name], g.text(value))
		}
	}
	return all
}
