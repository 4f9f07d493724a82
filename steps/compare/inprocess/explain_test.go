package inprocess_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/explain"
	"github.com/ingress-testbed/testbed/fixtures/estates"
	"github.com/ingress-testbed/testbed/reports/effect"
	"github.com/ingress-testbed/testbed/steps/compare"
	"github.com/ingress-testbed/testbed/steps/compare/derive"
	"github.com/ingress-testbed/testbed/steps/compare/estate"
	"github.com/ingress-testbed/testbed/steps/compare/inprocess"
	"github.com/ingress-testbed/testbed/steps/compare/judge"
	"github.com/ingress-testbed/testbed/steps/manifests"
)

// oneOfEach is how many templates the company's estate has.
const oneOfEach = 38

func company(t testing.TB, ingresses int) *estate.Estate {
	t.Helper()
	var text bytes.Buffer
	if err := estates.Generate(&text, ingresses); err != nil {
		t.Fatal(err)
	}
	set, err := manifests.Read(t.Context(), &text, manifests.Stdin)
	if err != nil {
		t.Fatal(err)
	}
	return estateOf(set)
}

// explainedIngresses is the environment variable with the number of the company's Ingresses whose requests are explained; without it
// there is one of each template.
const explainedIngresses = "COMPARE_EXPLAINED"

// Each request that is derived from the company's Ingresses, and from those of testdata, is explained with the outcome that the
// proxy gives.
func TestEveryRequestIsExplained(t *testing.T) {
	t.Parallel()
	count := oneOfEach
	if text := os.Getenv(explainedIngresses); text != "" {
		var err error
		if count, err = strconv.Atoi(text); err != nil {
			t.Fatalf("%s: %v", explainedIngresses, err)
		}
	}
	e := company(t, count)
	e.Ingresses = append(e.Ingresses, read(t, "testdata").Ingresses...)
	plan := derive.Derive(e, derive.Limits{})
	for _, mode := range []compatibility.Mode{compatibility.Mend, compatibility.IngressNginx} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			session, err := (&inprocess.Target{Mode: mode}).Begin(t.Context(), e, clientCertificates(plan))
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := session.End(t.Context()); err != nil {
					t.Error(err)
				}
			}()
			var group errgroup.Group
			group.SetLimit(8)
			var numbers, explained, unsupported atomic.Int64
			for _, probe := range plan.Probes {
				if !probe.IsURL() {
					continue // explanations are of requests that curl's flags describe
				}
				explained.Add(1)
				group.Go(func() error {
					probe.Request.Times = 1
					x, err := inprocess.Explanation(t.Context(), session, &probe)
					if errors.Is(err, compare.ErrUnsupported) {
						unsupported.Add(1)
						return nil
					}
					observed, sending := compare.Ask(t.Context(), session, &probe, int(numbers.Add(1)))
					if sending != nil {
						return sending
					}
					for _, difference := range contradictions(x, err, observed.Answers[0], func(address string) string { return inprocess.BackendAt(session, address) }) {
						t.Errorf("%s: %s", compare.Curl(&probe), difference)
					}
					return nil
				})
			}
			if err := group.Wait(); err != nil {
				t.Fatal(err)
			}
			if n := unsupported.Load(); n > 0 || explained.Load() < 500 || len(plan.Probes)-int(explained.Load()) > 5 {
				t.Errorf("%d of %d requests can't be explained, of %d that are sent", n, explained.Load(), len(plan.Probes))
			}
			t.Logf("%d of %d requests are explained", explained.Load(), len(plan.Probes))
		})
	}
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

// contradictions are the differences between an explanation, or the reason why there is none, and an answer.
func contradictions(x *explain.Explanation, failed error, answer judge.Answer, backend func(string) string) []string {
	if answer.Error != "" || failed != nil {
		if (answer.Error != "") != (failed != nil) {
			return []string{fmt.Sprintf("explained with the error %v, and answered with %q", failed, answer.Error)}
		}
		return nil
	}
	var all []string
	add := func(what string, explained, answered any) {
		if explained != answered {
			all = append(all, fmt.Sprintf("%s: %v is explained, and %v was answered", what, explained, answered))
		}
	}
	add("status", x.Answer.Status, answer.Status)
	var location string
	for _, field := range x.Answer.Header {
		if field.Name == "Location" {
			location = field.Value
		}
	}
	add("Location", location, strings.Join(answer.Headers["Location"], ", "))
	if answer.Saw == nil || x.Backend != nil && len(x.Backend.Odds) > 1 {
		return all
	}
	sent := x.Sent
	if x.Answer.By == "error backend" {
		for i := range x.Calls {
			if x.Calls[i].For == explain.ForErrorPage {
				sent = &x.Calls[i]
			}
		}
	}
	if sent == nil {
		return append(all, "a backend has got the request, and the explanation says none has")
	}
	add("backend", backend(strings.Fields(sent.To)[0]), answer.Backend)
	line := strings.Fields(sent.Line)
	add("method received", line[0], answer.Saw.Method)
	add("target received", line[1], answer.Saw.Target)
	return all
}

// A finding has the explanation of its own request.
func TestFindingsAreExplained(t *testing.T) {
	t.Parallel()
	report := run(t, read(t, "testdata/protection.yaml", "testdata/routing.yaml"), &inprocess.Target{Mode: compatibility.IngressNginx}, &inprocess.Target{})
	for _, finding := range report.Candidates[0].Findings {
		if strings.HasPrefix(finding.Rules[0], "message: ") { // some are no URLs
			continue
		}
		_, url, _ := strings.Cut(finding.Request, " ")
		url, _, _ = strings.Cut(url, ",")
		if !strings.Contains(finding.Explanation, url) || !strings.Contains(finding.Explanation, "\nin ingress-nginx ") {
			t.Errorf("%s: %q", finding.Request, finding.Explanation)
		}
		if finding.Effect >= effect.Lost && strings.Contains(finding.Explanation, "the same\n") {
			t.Errorf("%s: the explanation says that both modes do the same:\n%s", finding.Request, finding.Explanation)
		}
	}
}
