package comparison_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ingress-testbed/testbed/internal/golden"
	"github.com/ingress-testbed/testbed/reports"
	"github.com/ingress-testbed/testbed/reports/comparison"
	"github.com/ingress-testbed/testbed/reports/effect"
)

func example() *comparison.Report {
	report := &comparison.Report{
		Title: "Comparison", Reference: "the <reference>", Started: time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC), Seconds: 61,
		Ingresses: []string{"web/admin", "web/shop", "web/wiki"}, Requests: 40, FailOn: effect.Lost,
		Notes: []string{"web/wiki is authenticated by a stand-in"},
		Inventory: []comparison.Annotation{
			{Name: "nginx.ingress.kubernetes.io/auth-type", Ingresses: []string{"web/admin"}, Values: []string{"basic"}, Requests: "the path with a password"},
			{Name: "nginx.ingress.kubernetes.io/auth-typ", Ingresses: []string{"web/wiki"}, Values: []string{"<b>"}, Requests: "nothing", Unknown: true},
		},
		Candidates: []comparison.Candidate{{
			Description: "a | candidate", Same: 30, ByChance: 1, Skipped: map[string]int{"no address": 2},
			Unjudged: []comparison.Unjudged{
				{Ingress: "web/shop", Request: "GET http://shop.test/slow", Reason: "the answers of the reference to the same request change: 20 × web/shop:80, 1 × 502 Bad Gateway"},
			},
			Refused: []comparison.Refusal{
				{Ingress: "web/blog", Reason: "an unknown type"}, {Ingress: "web/press", Reason: "an unknown type"},
				{Ingress: "web/wiki", Reason: "a *wrong* value", Log: "ERR <skipped> ingress=web/wiki\nERR no Service"},
			},
			Findings: []comparison.Finding{
				{
					ID: "2", Ingress: "web/shop", Effect: effect.Headers, Rules: []string{"path: as written"}, Host: "shop.test", Path: "/",
					Request: "GET http://shop.test/", Curl: "curl http://shop.test/", Differences: []comparison.Difference{
						{What: "header X-A", Want: "`1`", Causes: []string{"a-row"}}, {What: "header X-B", Got: "2", Causes: []string{"another-row"}},
					},
					Want: "status: 200", Got: "status: 200", Causes: []string{"a-row", "another-row"}, More: 3, Others: []string{"GET http://shop.test/a"},
				},
				{
					ID: "1", Ingress: "web/admin", Effect: effect.ProtectionLost, Rules: []string{"auth-type: without a password"}, Host: "admin.test", Path: "/",
					Request: "GET http://admin.test/", Curl: "curl http://admin.test/", Want: "status: 401", Got: "status: 200",
					Differences:          []comparison.Difference{{What: "status", Want: "401 Unauthorized", Got: "200 OK"}, {What: "backend", Got: "web/admin:80"}},
					ReferenceExplanation: "policies  authorizing  basic authentication  answers 401",
				},
			},
		}},
	}
	report.Candidates[0].Sort()
	return report
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	if err := reports.WriteComparison(dir, example()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"index.html", "junit.xml", "comparison.md"} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, "testdata/"+name, string(content))
	}
	content, err := os.ReadFile(filepath.Join(dir, "comparison.json"))
	if err != nil {
		t.Fatal(err)
	}
	var read comparison.Report
	if err := json.Unmarshal(content, &read); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(example(), &read); diff != "" {
		t.Errorf("as JSON (-want +got):\n%s", diff)
	}
	var text strings.Builder
	if err := example().WriteText(&text, 10); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "testdata/text.txt", text.String())
}

// The most serious finding comes first, an Ingress counts once, and the headline names the most serious effect.
func TestOrder(t *testing.T) {
	report := example()
	c := &report.Candidates[0]
	if c.Findings[0].Ingress != "web/admin" || report.Gravest() != effect.ProtectionLost {
		t.Errorf("first: %s, gravest %s", c.Findings[0].Ingress, report.Gravest())
	}
	c.Findings = append(c.Findings, comparison.Finding{Ingress: "web/admin", Effect: effect.Cosmetic})
	if got := c.Affected(); got[effect.ProtectionLost] != 1 || got[effect.Headers] != 1 || got[effect.Cosmetic] != 0 {
		t.Errorf("affected: %v", got)
	}
	if got := report.Headline(); got != "Protection lost: 1 of 3 Ingresses" {
		t.Errorf("headline %q", got)
	}
}
