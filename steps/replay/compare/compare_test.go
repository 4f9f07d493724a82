package compare_test

import (
	"slices"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/steps/replay/compare"
	"github.com/ingress-testbed/testbed/steps/replay/record"
)

func served(backend string) record.Answer {
	return record.Answer{Status: 200, Backend: backend, Saw: &record.Seen{
		Method: "GET", Target: "/", Version: "HTTP/1.1", Headers: map[string]record.Values{"host": {"a.test"}},
	}}
}

func status(code int) record.Answer { return record.Answer{Status: code} }

func redirect(code int, location string) record.Answer {
	return record.Answer{Status: code, Headers: map[string]record.Values{"Location": {location}}}
}

func with(answer record.Answer, change func(*record.Answer)) record.Answer {
	change(&answer)
	return answer
}

// The most serious difference says what it means to the users of the controller.
func TestGravity(t *testing.T) {
	t.Parallel()
	overTLS := func(a *record.Answer) { a.TLS = &record.TLS{Version: "TLS 1.3", Certificate: "cert"} }
	for name, c := range map[string]struct {
		want, got record.Answer
		gravity   compare.Gravity
		kind      compare.Kind
	}{
		"401 is served":                     {status(401), served("a"), compare.ProtectionLost, compare.Status},
		"403 is served":                     {status(403), served("a"), compare.ProtectionLost, compare.Status},
		"413 is served":                     {status(413), served("a"), compare.ProtectionLost, compare.Status},
		"no client certificate, but served": {with(status(400), overTLS), with(served("a"), overTLS), compare.ProtectionLost, compare.Status},
		"401 is redirected":                 {status(401), redirect(302, "/"), compare.ProtectionLost, compare.Status},
		"401 is 403":                        {status(401), status(403), compare.Headers, compare.Status},
		"served is 404":                     {served("a"), status(404), compare.RouteLost, compare.Status},
		"served is cut off":                 {served("a"), record.Answer{Error: record.ErrorClosed}, compare.RouteLost, compare.Status},
		"a redirect is 404":                 {redirect(308, "/x"), status(404), compare.RouteLost, compare.Status},
		"404 is served":                     {status(404), served("a"), compare.AnotherBackend, compare.Status},
		"another backend":                   {served("a"), served("b"), compare.AnotherBackend, compare.Backend},
		"a redirect is served":              {redirect(308, "/x"), served("a"), compare.RedirectedDifferently, compare.Status},
		"served is redirected":              {served("a"), redirect(308, "/x"), compare.RedirectedDifferently, compare.Status},
		"another location":                  {redirect(308, "/x"), redirect(308, "/y"), compare.RedirectedDifferently, compare.Location},
		"another code of a redirect":        {redirect(308, "/x"), redirect(301, "/x"), compare.RedirectedDifferently, compare.Status},
		"another certificate":               {with(served("a"), overTLS), with(served("a"), func(a *record.Answer) { a.TLS = &record.TLS{Version: "TLS 1.3", Certificate: "default"} }), compare.RouteLost, compare.TLS},
		"a header is missing":               {with(served("a"), func(a *record.Answer) { a.Headers = map[string]record.Values{"X-A": {"1"}} }), served("a"), compare.Headers, compare.Header},
		"a header is added":                 {served("a"), with(served("a"), func(a *record.Answer) { a.Headers = map[string]record.Values{"X-A": {"1"}} }), compare.Headers, compare.Header},
		"a cookie is missing":               {with(served("a"), func(a *record.Answer) { a.Headers = map[string]record.Values{"Set-Cookie": {"a=${any}"}} }), served("a"), compare.Headers, compare.Cookie},
		"Server":                            {served("a"), with(served("a"), func(a *record.Answer) { a.Headers = map[string]record.Values{"Server": {"x"}} }), compare.Cosmetic, compare.Header},
		"another target reaches the backend": {served("a"), with(served("a"), func(a *record.Answer) {
			a.Saw = &record.Seen{Method: "GET", Target: "/x", Version: "HTTP/1.1", Headers: map[string]record.Values{"host": {"a.test"}}}
		}), compare.AnotherBackend, compare.Forwarded},
		"another body":                    {with(status(200), func(a *record.Answer) { a.Body = "a" }), with(status(200), func(a *record.Answer) { a.Body = "b" }), compare.Headers, compare.Body},
		"another text from the WebSocket": {with(status(101), func(a *record.Answer) { a.WebSocket = "a" }), status(101), compare.RouteLost, compare.Body},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			differences := compare.Answers(record.Request{Target: "/"}, c.want, c.got)
			if len(differences) == 0 || differences[0].Gravity != c.gravity || differences[0].Kind != c.kind {
				t.Errorf("%v, want %s of kind %s first", differences, c.gravity, c.kind)
			}
		})
	}
}

func TestWhatAgrees(t *testing.T) {
	t.Parallel()
	sent := record.Request{Target: "/p", Method: "POST"}
	want := record.Answer{
		Status: 200, Backend: "a", Headers: map[string]record.Values{"www-authenticate": {"x"}, "Set-Cookie": {"s=${any}; Max-Age=1; Path=/"}},
		Saw: &record.Seen{Headers: map[string]record.Values{"x-request-id": {"${32 hex digits}"}, "x-a": {"${any}"}}},
	}
	got := record.Answer{
		Status: 200, Backend: "a", Headers: map[string]record.Values{"Www-Authenticate": {"x"}, "Set-Cookie": {"s=1; Path=/; Max-Age=1"}},
		Saw: &record.Seen{Method: "POST", Target: "/p", Version: "HTTP/1.1", Headers: map[string]record.Values{
			"x-request-id": {"0123456789abcdef0123456789abcdef"}, "x-a": {"1", "2"},
		}},
	}
	if differences := compare.Answers(sent, want, got); len(differences) > 0 {
		t.Errorf("%v", differences)
	}
	want.Saw.Partial, want.Saw.Headers = true, map[string]record.Values{"x-a": {"${any}"}}
	got.Saw.BodyBytes = 7
	if differences := compare.Answers(sent, want, got); len(differences) > 0 {
		t.Errorf("what wasn't recorded is compared: %v", differences)
	}
	delete(got.Saw.Headers, "x-a")
	if differences := compare.Answers(sent, want, got); len(differences) != 1 {
		t.Errorf("${any} agrees with a header that is missing: %v", differences)
	}
}

func observed(answers ...record.Answer) []compare.Observed {
	var all []compare.Observed
	for _, answer := range answers {
		all = append(all, compare.Observed{Answer: answer, Took: 100 * time.Millisecond})
	}
	return all
}

func count(n int, answer record.Answer) record.Answer {
	answer.Count = n
	return answer
}

func TestJudge(t *testing.T) {
	t.Parallel()
	a, b, no := served("a"), served("b"), status(503)
	repeat := func(n int, answer record.Answer) []record.Answer { return slices.Repeat([]record.Answer{answer}, n) }
	equal := record.Request{Target: "/", Answers: []record.Answer{a}}
	turns := record.Request{Target: "/", Judge: record.JudgeTurns, Answers: []record.Answer{count(3, a), count(3, no)}}
	bucket := record.Request{Target: "/", Judge: record.JudgeBucket, Refill: 2, Answers: []record.Answer{count(4, a), count(6, no)}}
	share := record.Request{Target: "/", Judge: record.JudgeShare, Answers: []record.Answer{count(30, a), count(70, b)}}
	known := record.Request{Target: "/", Judge: record.JudgeShare, Answers: []record.Answer{
		with(count(30, a), func(a *record.Answer) { a.Share = 0.3 }), with(count(70, b), func(a *record.Answer) { a.Share = 0.7 }),
	}}
	sticky := record.Request{Target: "/", Judge: record.JudgeSequence, Answers: []record.Answer{
		count(1, served("a or b")), count(2, served("the same")),
	}}
	anyOf := record.Request{Target: "/", Judge: record.JudgeAnyOf, Answers: []record.Answer{a, b}}
	for name, c := range map[string]struct {
		request record.Request
		got     []record.Answer
		agrees  bool
	}{
		"all equal":                         {equal, []record.Answer{a, a}, true},
		"one differs":                       {equal, []record.Answer{a, b}, false},
		"even turns":                        {turns, []record.Answer{a, no, a, no, a, no}, true},
		"uneven turns":                      {turns, []record.Answer{a, a, a, a, no, no}, false},
		"a bucket as recorded":              {bucket, append(repeat(4, a), repeat(6, no)...), true},
		"a bucket that was refilled":        {bucket, append(repeat(6, a), repeat(4, no)...), true}, // 1 s at 2 a second
		"a bucket without a limit":          {bucket, repeat(10, a), false},
		"a bucket that is too small":        {bucket, append(repeat(3, a), repeat(7, no)...), false},
		"the recorded share":                {share, append(repeat(33, a), repeat(67, b)...), true},
		"another share":                     {share, append(repeat(95, a), repeat(5, b)...), false},
		"a share with an unknown answer":    {share, append(repeat(33, a), repeat(67, no)...), false},
		"the known share, with more":        {known, append(repeat(320, a), repeat(680, b)...), true},
		"another share than the known one":  {known, append(repeat(500, a), repeat(500, b)...), false},
		"sticky, on one side":               {sticky, []record.Answer{a, a, a}, true},
		"sticky, on the other side":         {sticky, []record.Answer{b, b, b}, true},
		"not sticky":                        {sticky, []record.Answer{b, b, a}, false},
		"sticky, on a side that isn't here": {sticky, []record.Answer{served("c"), served("c"), served("c")}, false},
		"any of them":                       {anyOf, []record.Answer{b}, true},
		"none of them":                      {anyOf, []record.Answer{no}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			verdict, err := compare.Judge(c.request, observed(c.got...))
			if err != nil {
				t.Fatal(err)
			}
			if verdict.Agrees() != c.agrees {
				t.Errorf("agrees: %v, want %v: %v", verdict.Agrees(), c.agrees, verdict.Differences)
			}
		})
	}
	if _, err := compare.Judge(record.Request{}, observed(a)); err == nil {
		t.Error("a request without recorded answers is judged")
	}
}
