package agreement_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/internal/golden"
	"github.com/ingress-testbed/testbed/reports"
	"github.com/ingress-testbed/testbed/reports/agreement"
	"github.com/ingress-testbed/testbed/reports/evidence"
)

func example() *agreement.Report {
	differs := func(gravity string, rank int, what, want, got string) []agreement.Difference {
		return []agreement.Difference{{Kind: "status", Gravity: gravity, Rank: rank, What: what, Want: want, Got: got}}
	}
	return &agreement.Report{
		Title: "Replay", Record: "ingress-nginx 1.15.1", Controller: "another <controller>", Seconds: 61.2,
		Started: time.Date(2026, time.November, 26, 16, 0, 0, 0, time.UTC), Facts: []agreement.Fact{{Name: "Kubernetes", Value: "v1.37.2"}},
		Deliberate: []agreement.Deliberate{
			{Name: "cut-slash", Recorded: "The redirect cuts off a slash.", Observed: "It keeps it.", Reason: "Applications add it again."},
			{Name: "of-no-check", Recorded: "One.", Observed: "Another.", Reason: "A reason."},
		},
		Areas: []agreement.Area{
			{Name: "access", Cases: []agreement.Case{
				{Name: "auth-basic", Users: 4, Objects: "kind: Ingress\n", Checks: []agreement.Check{
					{Name: "GET http://a.test/", Want: "- status: 401\n", Got: "- status: 200\n", Differences: differs("protection lost", 5, "status", "401 Unauthorized", "200 OK")},
					{Name: "GET http://a.test/, Authorization: Basic …", Want: "- status: 200\n", Got: "- status: 200\n"},
				}},
				{Name: "broken", Users: 1, Problem: "the controller did not answer"},
			}},
			{Name: "canary", Cases: []agreement.Case{
				{Name: "weight", Users: 2, Checks: []agreement.Check{{
					Name: "GET http://b.test/, 100 times", Want: "- count: 30\n", Got: "- count: 90\n", Differences: differs("another backend", 3, "how often", "30", "90"),
					Distribution: &evidence.Distribution{Title: "answers", Total: 100, Test: "exact binomial test", Shares: []evidence.Share{{Label: "b", Observed: 90, Low: 10, High: 60}}},
				}}},
				{Name: "early", Users: 2, Checks: []agreement.Check{{Name: "GET /", Exception: &agreement.Exception{Kind: "artefact", Reason: "It came too early."}, Differences: differs("headers", 1, "header", "a", "b")}}},
				{Name: "elsewhere", Users: 5, Skipped: "not supported here"},
			}},
			{Name: "tls", Cases: []agreement.Case{{Name: "redirect", Users: 3, Checks: []agreement.Check{
				{Name: "GET http://d.test/a/", Deliberate: "cut-slash", Differences: differs("redirected differently", 2, "header Location", "https://d.test/a", "https://d.test/a/")},
			}}}},
			{Name: "class", Cases: []agreement.Case{{Name: "class", Users: 5, Checks: []agreement.Check{{Name: "GET http://c.test/"}}}}},
		},
	}
}

func TestScore(t *testing.T) {
	t.Parallel()
	report := example()
	want := agreement.Score{Agree: 2, Checks: 6, Deliberate: 1, WeightedAgree: 9, Weighted: 19}
	if got := report.Score(); got != want {
		t.Errorf("%+v, want %+v: exceptions and skipped cases don't count, a broken case does", got, want)
	}
	var names []string
	for _, one := range report.Disagreements() {
		names = append(names, one.Case.Name)
	}
	if got := strings.Join(names, " "); got != "auth-basic weight redirect" {
		t.Errorf("disagreements: %s, want the gravest first and no exception", got)
	}
	for share, want := range map[float64]string{1: "100.0 %", 0.99999: "99.9 %", 0.5: "50.0 %", 0: "0.0 %"} {
		if got := agreement.Percent(share); got != want {
			t.Errorf("%v is %s, want %s", share, got, want)
		}
	}
	if share := (agreement.Score{}).Share(); share != 0 {
		t.Errorf("nothing agrees by %v", share)
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	report := example()
	for name, write := range map[string]func(io.Writer) error{
		"index.html": report.WritePage,
		"summary.txt": func(w io.Writer) error {
			if err := report.WriteSummary(w); err != nil {
				return err
			}
			return report.WriteDisagreements(w)
		},
	} {
		var text bytes.Buffer
		if err := write(&text); err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, filepath.Join("testdata", name), text.String())
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "reports")
	if err := reports.WriteAgreement(dir, example()); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{
		"index.html": {"33.3 % agreement, 3 unexplained", "another &lt;controller&gt;", "protection lost"},
		"junit.xml": {
			`tests="7" failures="3"`, `<skipped message="not supported here"`, "expected status &#34;401 Unauthorized&#34;, seen status &#34;200 OK&#34;",
		},
		"agreement.json": {`"gravity": "protection lost"`, `"controller": "another `},
	} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range want {
			if !strings.Contains(string(content), part) {
				t.Errorf("%s lacks %q", name, part)
			}
		}
	}
}
