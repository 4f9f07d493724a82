// Package judge compares what two controllers answered to the same request.
package judge

import (
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/ingress-testbed/testbed/steps/compare/derive"
	"github.com/ingress-testbed/testbed/steps/replay/compare"
	"github.com/ingress-testbed/testbed/steps/replay/record"
)

// Observation is the answers to a request that may have been sent several times.
type Observation struct {
	Answers []Answer
	Took    time.Duration
}

// Answer is an answer, with the Pod that gave it.
type Answer struct {
	record.Answer
	Pod string
}

// Differences compares the answers of the reference with those of a candidate, the most serious difference first. There are none
// if a side has not answered.
func Differences(probe *derive.Probe, reference, candidate Observation) []compare.Difference {
	if len(reference.Answers) == 0 || len(candidate.Answers) == 0 {
		return nil
	}
	switch probe.Judge {
	case derive.Share:
		return shares(probe, reference, candidate)
	case derive.Session:
		return sessions(probe, reference, candidate)
	case derive.Burst:
		if reference.Answers[0].Backend == "" || candidate.Answers[0].Backend == "" {
			break // something else than a limit answers
		}
		return bursts(reference, candidate)
	case derive.Equal:
	}
	return answers(probe, reference.Answers[0].Answer, candidate.Answers[0].Answer)
}

// answers compares two answers.
func answers(probe *derive.Probe, want, got record.Answer) []compare.Difference {
	want, got = lastingAnswer(want), lastingAnswer(got)
	found := compare.Answers(probe.Request, want, got)
	for i := range found {
		found[i].Gravity = gravity(found[i], want, got)
	}
	slices.SortStableFunc(found, func(a, b compare.Difference) int { return int(b.Gravity) - int(a.Gravity) })
	return found
}

// gravity corrects that of a difference for requests whose reference answer isn't from a record.
func gravity(d compare.Difference, want, got record.Answer) compare.Gravity {
	switch {
	case d.Kind == compare.Forwarded && d.What == "target received" && normalised(d.Want) == normalised(d.Got):
		return compare.Headers // the same resource, written in another way
	case d.Kind == compare.Status && want.Backend == "" && got.Backend == "" && want.Status >= 400 && got.Status >= 400:
		return compare.Cosmetic // refused or not found, in another way
	}
	return d.Gravity
}

// normalised is a request target in one of the forms that mean the same (RFC 3986, section 6.2.2).
func normalised(target string) string {
	written, query, _ := strings.Cut(target, "?")
	decoded, err := url.PathUnescape(written)
	if err != nil {
		return target
	}
	return path.Clean(decoded) + "?" + query
}

// Interrupted reports whether an answer may come from a connection that broke, to the controller or between it and a backend:
// there is none, it is incomplete, or it is that of a gateway without an answer (RFC 9110, sections 15.6.3 and 15.6.5). 500 is what
// ingress-nginx answers without an answer of the authentication server.
func Interrupted(a Answer) bool {
	switch a.Error {
	case "":
		return a.Backend == "" && slices.Contains([]int{http.StatusInternalServerError, http.StatusBadGateway, http.StatusGatewayTimeout}, a.Status)
	case record.ErrorHandshake: // an answer to the client's certificate or version
		return false
	}
	return true
}
