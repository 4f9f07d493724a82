package judge_test

import (
	"slices"
	"testing"

	"github.com/ingress-testbed/testbed/steps/compare/derive"
	"github.com/ingress-testbed/testbed/steps/compare/judge"
	"github.com/ingress-testbed/testbed/steps/replay/compare"
	"github.com/ingress-testbed/testbed/steps/replay/record"
)

func status(code int) judge.Answer { return judge.Answer{Answer: record.Answer{Status: code}} }

func served(backend string) judge.Answer {
	return judge.Answer{Answer: record.Answer{Status: 200, Backend: backend}, Pod: "pod-1"}
}

func of(pod string, answer judge.Answer) judge.Answer {
	answer.Pod = pod
	return answer
}

func failed(kind record.Error) judge.Answer { return judge.Answer{Answer: record.Answer{Error: kind}} }

func times(n int, answer judge.Answer) []judge.Answer {
	return slices.Repeat([]judge.Answer{answer}, n)
}

func observed(parts ...[]judge.Answer) judge.Observation {
	return judge.Observation{Answers: slices.Concat(parts...)}
}

// What a difference of shares means is what it means that the answers which became more come in place of those which became
// fewer.
func TestShares(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		want, got judge.Observation
		gravity   compare.Gravity
	}{
		"404 is served":               {observed(times(100, status(404))), observed(times(100, served("a"))), compare.AnotherBackend},
		"404 is served now and then":  {observed(times(100, status(404))), observed(times(40, status(404)), times(60, served("a"))), compare.AnotherBackend},
		"401 is served":               {observed(times(100, status(401))), observed(times(100, served("a"))), compare.ProtectionLost},
		"401 is served now and then":  {observed(times(100, status(401))), observed(times(50, status(401)), times(50, served("a"))), compare.ProtectionLost},
		"a backend is lost":           {observed(times(100, served("a"))), observed(times(50, served("a")), times(50, status(503))), compare.RouteLost},
		"another weight":              {observed(times(90, served("a")), times(10, served("b"))), observed(times(10, served("a")), times(90, served("b"))), compare.AnotherBackend},
		"503 is 404":                  {observed(times(100, status(503))), observed(times(100, status(404))), compare.Cosmetic},
		"a redirect is served":        {observed(times(100, status(308))), observed(times(100, served("a"))), compare.RedirectedDifferently},
		"a canary's share is refused": {observed(times(50, served("a")), times(50, status(403))), observed(times(50, served("a")), times(50, served("b"))), compare.ProtectionLost},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := judge.Differences(&derive.Probe{Judge: derive.Share}, c.want, c.got)
			if len(found) != 1 || found[0].Gravity != c.gravity || found[0].Kind != compare.Share {
				t.Errorf("%v, want one of gravity %s", found, c.gravity)
			}
			if found := judge.Differences(&derive.Probe{Judge: derive.Share}, c.want, c.want); len(found) > 0 {
				t.Errorf("the same shares differ: %v", found)
			}
		})
	}
	// Shares that may be chance are not a difference, and answers with the same outcome are compared.
	want := observed(times(90, served("a")), times(10, served("b")))
	got := observed(times(84, served("a")), times(16, served("b")))
	if found := judge.Differences(&derive.Probe{Judge: derive.Share}, want, got); len(found) > 0 {
		t.Errorf("chance is a difference: %v", found)
	}
	got.Answers[0].Headers = map[string]record.Values{"X-A": {"1"}}
	if found := judge.Differences(&derive.Probe{Judge: derive.Share}, want, got); len(found) != 1 || found[0].What != "header X-A" {
		t.Errorf("a header of answers with the same outcome: %v", found)
	}
}

func TestSessions(t *testing.T) {
	t.Parallel()
	kept := observed(times(12, served("a")))
	spread := observed(times(6, served("a")), times(6, of("pod-2", served("a"))))
	probe := &derive.Probe{Judge: derive.Session}
	if found := judge.Differences(probe, kept, spread); len(found) != 1 || found[0].What != "the Pods that answer a session" {
		t.Errorf("%v", found)
	}
	if found := judge.Differences(probe, spread, spread); len(found) > 0 {
		t.Errorf("%v", found)
	}
	if found := judge.Differences(probe, kept, observed(times(12, of("pod-2", served("a"))))); len(found) > 0 {
		t.Errorf("another Pod that stays is a difference: %v", found)
	}
	if found := judge.Differences(probe, kept, observed(times(12, status(503)))); len(found) == 0 || found[0].Gravity != compare.RouteLost {
		t.Errorf("%v", found)
	}
}

func TestBursts(t *testing.T) {
	t.Parallel()
	limited := observed(times(10, served("a")), times(10, status(503)))
	for name, c := range map[string]struct {
		want, got judge.Observation
		gravity   compare.Gravity
		none      bool
	}{
		"no limit any more":              {want: limited, got: observed(times(20, served("a"))), gravity: compare.ProtectionLost},
		"a new limit":                    {want: observed(times(20, served("a"))), got: limited, gravity: compare.RouteLost},
		"another limit":                  {want: observed(times(4, served("a")), times(16, status(503))), got: observed(times(18, served("a")), times(2, status(503))), gravity: compare.ProtectionLost},
		"the same":                       {want: limited, got: observed(times(12, served("a")), times(8, status(503))), none: true},
		"another status of refusals":     {want: limited, got: observed(times(10, served("a")), times(10, status(429))), gravity: compare.Cosmetic},
		"none is limited":                {want: observed(times(20, served("a"))), got: observed(times(20, served("a"))), none: true},
		"the first request isn't served": {want: observed(times(20, status(401))), got: observed(times(20, served("a"))), gravity: compare.ProtectionLost},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := judge.Differences(&derive.Probe{Judge: derive.Burst}, c.want, c.got)
			if c.none != (len(found) == 0) || !c.none && found[0].Gravity != c.gravity {
				t.Errorf("%v, want %s", found, c.gravity)
			}
		})
	}
}

// What depends on the moment doesn't differ.
func TestWhatDependsOnTheMoment(t *testing.T) {
	t.Parallel()
	answer := func(id, cookie, expires, target string) judge.Observation {
		return observed(times(1, judge.Answer{Answer: record.Answer{
			Status: 200, Backend: "a", Headers: map[string]record.Values{"Set-Cookie": {"s=" + cookie + "; Path=/; Expires=" + expires}},
			Saw: &record.Seen{Method: "GET", Target: target, Version: "HTTP/1.1", Headers: map[string]record.Values{"x-request-id": {id}}},
		}}))
	}
	want := answer("0123456789abcdef0123456789abcdef", "aaaaaaaaaaaaaaaaaaaa", "Thu, 01 Jan 2026 00:00:00 GMT", "/")
	got := answer("fedcba9876543210fedcba9876543210", "bbbbbbbbbbbbbbbbbbbb", "Fri, 02 Jan 2026 00:00:00 GMT", "/")
	probe := &derive.Probe{Request: record.Request{Target: "/"}}
	if found := judge.Differences(probe, want, got); len(found) > 0 {
		t.Errorf("%v", found)
	}
	if found := judge.Differences(probe, want, answer("not an ID", "aaaaaaaaaaaaaaaaaaaa", "x", "/")); len(found) != 1 {
		t.Errorf("a request ID of another form is no difference: %v", found)
	}
	if found := judge.Differences(probe, want, answer("0123456789abcdef0123456789abcdef", "short", "x", "/")); len(found) != 1 {
		t.Errorf("a cookie that is no session is no difference: %v", found)
	}
	if want.Answers[0].Headers["Set-Cookie"][0] != "s=aaaaaaaaaaaaaaaaaaaa; Path=/; Expires=Thu, 01 Jan 2026 00:00:00 GMT" {
		t.Error("the answers are changed")
	}
}

// The same resource in another spelling is less grave than another one, and so is another status of what isn't served.
func TestGravity(t *testing.T) {
	t.Parallel()
	received := func(target string) judge.Observation {
		return observed(times(1, judge.Answer{Answer: record.Answer{
			Status: 200, Backend: "a", Saw: &record.Seen{Method: "GET", Target: target, Version: "HTTP/1.1"},
		}}))
	}
	probe := &derive.Probe{Request: record.Request{Target: "/a/b"}}
	for name, c := range map[string]struct {
		want, got judge.Observation
		gravity   compare.Gravity
	}{
		"another spelling":      {received("/a%2db/../c"), received("/c"), compare.Headers},
		"another resource":      {received("/a"), received("/b"), compare.AnotherBackend},
		"another query":         {received("/a?x=1"), received("/a"), compare.AnotherBackend},
		"refused otherwise":     {observed(times(1, status(403))), observed(times(1, status(401))), compare.Cosmetic},
		"not found, no backend": {observed(times(1, status(404))), observed(times(1, status(503))), compare.Cosmetic},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := judge.Differences(probe, c.want, c.got)
			if len(found) == 0 || found[0].Gravity != c.gravity {
				t.Errorf("%v, want %s", found, c.gravity)
			}
		})
	}
	if found := judge.Differences(probe, judge.Observation{}, received("/")); found != nil {
		t.Errorf("nothing is compared with an answer: %v", found)
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	byBackend := judge.Answer{Answer: record.Answer{Status: 502, Backend: "a"}}
	for name, c := range map[string]struct {
		answer judge.Answer
		want   bool
	}{
		"served": {served("a"), false}, "404": {status(404), false}, "503 has no endpoints": {status(503), false},
		"500": {status(500), true}, "502": {status(502), true}, "504": {status(504), true}, "502 by the backend": {byBackend, false},
		"closed": {failed(record.ErrorClosed), true}, "cut off": {failed(record.ErrorCutOff), true}, "no connection": {failed(record.ErrorConnect), true},
		"a handshake that is refused": {failed(record.ErrorHandshake), false},
	} {
		if got := judge.Interrupted(c.answer); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
