package results_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ingress-testbed/testbed/internal/golden"
	"github.com/ingress-testbed/testbed/reports/effect"
	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/reports/internal/example"
	"github.com/ingress-testbed/testbed/reports/results"
)

// stored is the example with its evidence in files, and with a scenario of which everything failed.
func stored() results.Run {
	run := example.Run()
	run.Error = "interrupted"
	broken := &run.Features[0].Scenarios[1]
	broken.Error = "after the scenario: the namespace stays"
	broken.Steps[0].Status, broken.Steps[0].Failure = results.Failed, &results.Failure{
		Message: "first", Context: "applying it", Effect: effect.ProtectionLost, Key: "every first",
		Others: []results.Deviation{{Context: "row 2", Expected: "401", Seen: "200"}, {Seen: "closed"}},
	}
	return run.MapEvidence(func(_ results.Position, e evidence.Evidence) evidence.Evidence {
		if file, is := e.(evidence.File); is {
			return results.SavedFile{Title: file.Title, Name: file.Name, MediaType: file.MediaType, Href: "evidence/a%20b.pcap", Size: 24}
		}
		content := e.Attachment()
		return results.Reference{Title: content.FileName, MediaType: content.MediaType, Href: "evidence/shown"}
	})
}

func encode(t testing.TB, run results.Run) string {
	t.Helper()
	var document strings.Builder
	if err := results.Encode(&document, &run); err != nil {
		t.Fatal(err)
	}
	return document.String()
}

func TestWhatIsEncodedIsDecoded(t *testing.T) {
	run := stored()
	decoded, err := results.Decode(strings.NewReader(encode(t, run)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(run, *decoded); diff != "" {
		t.Errorf("run (-encoded +decoded):\n%s", diff)
	}
	failures := decoded.Features[0].Scenarios[1].Failures()
	if len(failures) != 3 || failures[0].Message != "first" || failures[2].Message != "after the scenario: the namespace stays" {
		t.Errorf("failures %+v", failures)
	}
}

// TestTheModelIsEncodedWhole fails when a field is added to the model that the document has no place for.
func TestTheModelIsEncodedWhole(t *testing.T) {
	for model, fields := range map[reflect.Type]int{
		reflect.TypeFor[results.Run](): 6, reflect.TypeFor[results.Property](): 2, reflect.TypeFor[results.Feature](): 7,
		reflect.TypeFor[results.Scenario](): 11, reflect.TypeFor[results.Step](): 11, reflect.TypeFor[results.Failure](): 9,
		reflect.TypeFor[results.Deviation](): 3,
	} {
		if model.NumField() != fields {
			t.Errorf("%s has %d fields, and the document was written for %d", model, model.NumField(), fields)
		}
	}
}

func TestGolden(t *testing.T) {
	golden.Compare(t, "testdata/results.json", encode(t, stored()))
}

func TestEvidenceThatIsNotInAFileIsNotEncoded(t *testing.T) {
	run := example.Run()
	err := results.Encode(new(bytes.Buffer), &run)
	if err == nil || !strings.Contains(err.Error(), "evidence.Load is not kept in a file") ||
		!strings.Contains(err.Error(), "the client requests /admin") {
		t.Errorf("error %v", err)
	}
}

func TestDocumentsThatAreNotResults(t *testing.T) {
	whole := encode(t, stored())
	for name, c := range map[string]struct{ document, want string }{
		"empty":          {"", "incomplete or not a JSON object"},
		"cut off":        {whole[:len(whole)/2], "incomplete"},
		"two documents":  {whole + whole, "incomplete or not a JSON object"},
		"XML":            {"<testsuites/>", "not a JSON object"},
		"a list":         {"[]", "not a JSON object"},
		"another object": {`{"a": 1}`, "no schemaVersion"},
		"a newer one":    {`{"schemaVersion": 2, "features": "elsewhere"}`, "schema version 2, and only version 1 can be read: read it with the testbed that wrote it"},
		"another type":   {`{"schemaVersion": 1, "features": {}}`, "does not follow the schema"},
		"a status":       {strings.Replace(whole, `"passed"`, `"fine"`, 1), `feature 1: scenario 1: step 1: unknown status "fine"`},
		"a duration":     {strings.Replace(whole, `"912ms"`, `"long"`, 1), "does not follow the schema"},
		"a kind":         {strings.Replace(whole, `"shown"`, `"odd"`, 1), `unknown kind "odd"`},
		"a media type":   {strings.Replace(whole, evidence.LadderMediaType, evidence.FileMediaType, 1), "can't be shown"},
		"no file":        {strings.Replace(whole, `"evidence/shown"`, `""`, 1), "names no file"},
		"outside":        {strings.Replace(whole, "evidence/shown", "../../etc/passwd", 1), "is not below the folder"},
		"encoded":        {strings.Replace(whole, "evidence/a%20b.pcap", "%2e%2e/x", 1), "is not below the folder"},
		"a host":         {strings.Replace(whole, "evidence/shown", "//a/evidence/x", 1), "is not below the folder"},
		"opaque":         {strings.Replace(whole, "evidence/shown", "http:x", 1), "is not below the folder"},
		"absolute":       {strings.Replace(whole, "evidence/shown", "/etc/passwd", 1), "is not below the folder"},
		"elsewhere":      {strings.Replace(whole, "evidence/shown", "http://a/evidence/x", 1), "is not below the folder"},
		"no address":     {strings.Replace(whole, "evidence/shown", "%zz", 1), "the file's address"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := results.Decode(strings.NewReader(c.document))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
	var version *results.VersionError
	if _, err := results.Decode(strings.NewReader(`{"schemaVersion": 7}`)); !errors.As(err, &version) || version.Version != 7 {
		t.Errorf("error %v", err)
	}
}

// FuzzDecode looks for documents that are accepted and don't survive another round.
func FuzzDecode(f *testing.F) {
	whole := encode(f, stored())
	for _, seed := range []string{
		whole, whole[:len(whole)/3], "", "{}", `{"schemaVersion":1}`, `{"schemaVersion":1,"features":null,"started":"9999-12-31T23:59:59Z"}`,
		`{"schemaVersion":1,"features":[{"scenarios":[{"steps":[{"status":"passed","duration":"-1h"}]}]}]}`,
		`{"schemaVersion":1,"features":[{"scenarios":[{"steps":[{"status":"failed","evidence":[{"kind":"file","href":"./a:b"}]}]}]}]}`,
		strings.Repeat(`{"schemaVersion":`, 20000),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		run, err := results.Decode(bytes.NewReader(document))
		if err != nil {
			return
		}
		run.Verdict()
		first := encode(t, *run)
		again, err := results.Decode(strings.NewReader(first))
		if err != nil {
			t.Fatalf("what was encoded can't be decoded: %v", err)
		}
		if second := encode(t, *again); second != first {
			t.Errorf("the second round differs: %s", cmp.Diff(first, second))
		}
	})
}
