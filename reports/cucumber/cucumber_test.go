package cucumber_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ingress-testbed/testbed/reports/cucumber"
	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/reports/internal/example"
	"github.com/ingress-testbed/testbed/reports/results"
)

// The parts of the format that readers rely on. Fields that are pointers have to be there.
type (
	feature struct {
		URI      *string   `json:"uri"`
		ID       *string   `json:"id"`
		Keyword  *string   `json:"keyword"`
		Name     *string   `json:"name"`
		Line     *int      `json:"line"`
		Elements []element `json:"elements"`
	}
	element struct {
		ID      *string `json:"id"`
		Keyword *string `json:"keyword"`
		Name    *string `json:"name"`
		Type    *string `json:"type"`
		Line    *int    `json:"line"`
		Steps   []step  `json:"steps"`
		After   []step  `json:"after"`
	}
	step struct {
		Keyword *string `json:"keyword"`
		Name    *string `json:"name"`
		Line    *int    `json:"line"`
		Match   *struct {
			Location *string `json:"location"`
		} `json:"match"`
		Result *struct {
			Status   *string `json:"status"`
			Duration *int64  `json:"duration"`
			Error    string  `json:"error_message"`
		} `json:"result"`
		DocString *struct {
			Value string `json:"value"`
		} `json:"doc_string"`
		Rows []struct {
			Cells []string `json:"cells"`
		} `json:"rows"`
		Embeddings []struct {
			MimeType string `json:"mime_type"`
			Data     string `json:"data"`
			Name     string `json:"name"`
		} `json:"embeddings"`
	}
)

func write(t *testing.T, run results.Run) []feature {
	t.Helper()
	var document bytes.Buffer
	if err := cucumber.Write(&document, &run); err != nil {
		t.Fatal(err)
	}
	var features []feature
	if err := json.Unmarshal(document.Bytes(), &features); err != nil {
		t.Fatalf("%v\n%s", err, document.Bytes())
	}
	if features == nil {
		t.Error("the document is null; readers want a list")
	}
	check(t, features)
	return features
}

// check wants the fields that readers need, and statuses that they know.
func check(t *testing.T, features []feature) {
	t.Helper()
	ids := map[string]bool{}
	for _, f := range features {
		if f.URI == nil || f.ID == nil || f.Keyword == nil || f.Name == nil || f.Line == nil || f.Elements == nil {
			t.Errorf("a feature lacks a field: %+v", f)
		}
		for _, e := range f.Elements {
			if e.ID == nil || e.Keyword == nil || e.Name == nil || e.Line == nil || e.Steps == nil || *e.Type != "scenario" {
				t.Errorf("a scenario lacks a field: %+v", e)
			}
			if ids[*e.ID] {
				t.Errorf("the ID %q is there twice", *e.ID)
			}
			ids[*e.ID] = true
			for _, s := range e.Steps {
				if s.Keyword == nil || !strings.HasSuffix(*s.Keyword, " ") || s.Name == nil || s.Line == nil {
					t.Errorf("a step lacks a field: %+v", s)
				}
			}
			for _, s := range append(e.Steps, e.After...) {
				checkResult(t, s)
			}
		}
	}
}

func checkResult(t *testing.T, s step) {
	t.Helper()
	if s.Match == nil || s.Match.Location == nil || s.Result == nil || s.Result.Duration == nil {
		t.Fatalf("a step lacks its result: %+v", s)
	}
	switch *s.Result.Status {
	case "passed", "failed", "skipped", "undefined", "pending", "ambiguous":
	default:
		t.Errorf("unknown status %q", *s.Result.Status)
	}
	for _, e := range s.Embeddings {
		if _, err := base64.StdEncoding.DecodeString(e.Data); err != nil || e.MimeType == "" {
			t.Errorf("embedding %q of type %q: %v", e.Name, e.MimeType, err)
		}
	}
}

func TestResults(t *testing.T) {
	type outcome struct{ Name, Statuses, Errors string }
	var got []outcome
	for _, f := range write(t, example.Run()) {
		for _, e := range f.Elements {
			o := outcome{Name: *e.Name}
			for _, s := range append(e.Steps, e.After...) {
				o.Statuses += (*s.Result.Status)[:1]
				o.Errors += s.Result.Error
			}
			got = append(got, o)
		}
	}
	want := []outcome{
		{"Requests to /admin go round robin", "pp", ""},
		{
			"A canary gets its weight", "ppfs", "expected: about 10 % of 1000 requests answered by svc-v2 (63 to 141)\n" +
				"    seen: 187 requests answered by svc-v2\n because: p = 3.1e-16 is below the limit of 1e-7\n" +
				" look at: the routing table below, location / of gyull.com\n" +
				"          kubectl logs -n ingress deployment/ingress-nginx-controller",
		},
		{"TLS ends at the controller", "pp", ""},
		{"A step nobody has written", "u", "no step definition matches this text"},
		{"A request is routed by its host [host=gyull.com, status=200]", "ppp", ""},
		{"A request is routed by its host [host=test.gyull.com, status=404]", "ppp", ""},
		{"Pods talk over IPv6", "ss", "this cluster has IPv4 alone"},
		{"The namespace goes away", "pf", "after the scenario: the namespace hosts-4 is still terminating after 30s"},
		{"Two wildcards", "p", "did not run"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("scenarios (-want +got):\n%s", diff)
	}
}

func TestArgumentsAndEvidence(t *testing.T) {
	features := write(t, example.Run())
	table := features[0].Elements[1].Steps[0].Rows
	if len(table) != 3 || table[1].Cells[1] != "true" {
		t.Errorf("table %v", table)
	}
	if doc := features[1].Elements[2].Steps[0].DocString; doc == nil || doc.Value != "families:\n  - IPv4\n  - IPv6" {
		t.Errorf("doc string %v", doc)
	}
	embeddings := features[0].Elements[1].Steps[2].Embeddings
	if len(embeddings) != 2 || embeddings[0].MimeType != evidence.DistributionMediaType {
		t.Fatalf("embeddings %+v", embeddings)
	}
	text, err := base64.StdEncoding.DecodeString(embeddings[1].Data)
	if err != nil || embeddings[1].Name != "Routing table" || !strings.HasPrefix(string(text), "server gyull.com\n") {
		t.Errorf("embedding %q, error %v: %s", embeddings[1].Name, err, text)
	}
}

func TestDurationsAreInNanoseconds(t *testing.T) {
	if got := *write(t, example.Run())[0].Elements[0].Steps[0].Result.Duration; got != 912_000_000 {
		t.Errorf("duration %d, want that of 912 ms", got)
	}
}

func TestEmbeddingsHaveALimit(t *testing.T) {
	big := strings.Repeat("0123456789abcdef", 1<<16)
	run := results.Run{Features: []results.Feature{{Scenarios: []results.Scenario{{Steps: []results.Step{{
		Status: results.Passed,
		Evidence: []evidence.Evidence{
			evidence.Text{Title: "log", Body: big},
			evidence.Distribution{Title: big},
		},
	}}}}}}}
	for _, e := range write(t, run)[0].Elements[0].Steps[0].Embeddings {
		body, err := base64.StdEncoding.DecodeString(e.Data)
		if err != nil || len(body) > 257<<10 {
			t.Errorf("%d bytes, error %v", len(body), err)
		}
		if !bytes.Contains(body, []byte("left out")) && !bytes.Contains(body, []byte("too much to embed")) {
			t.Errorf("nothing says that something is missing: %.100s", body)
		}
	}
}

func TestAnEmptyRunIsAnEmptyList(t *testing.T) {
	if features := write(t, results.Run{}); len(features) != 0 {
		t.Errorf("%d features", len(features))
	}
}

func FuzzContentKeepsTheStructure(f *testing.F) {
	for _, seed := range []string{`"}]`, "\x00\xff\u2028", "</script>", "\x1b[31m"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, hostile string) {
		write(t, example.Rewrite(example.Run(), func(string) string { return "x" + hostile + "x" }))
	})
}
