package junit_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ingress-testbed/testbed/reports/internal/example"
	"github.com/ingress-testbed/testbed/reports/junit"
	"github.com/ingress-testbed/testbed/reports/results"
)

// rule says what the schema allows of an element: Jenkins's junit-10.xsd, as far as the older Ant schema agrees.
type rule struct {
	required, optional []string // attributes
	children           []string // in this order
	text               bool
}

func schema() map[string]rule {
	return map[string]rule{
		"testsuites": {
			optional: []string{"name", "time", "tests", "failures", "errors", "disabled"}, children: []string{"testsuite"},
		},
		"testsuite": {
			required: []string{"name", "tests", "failures", "errors", "time", "timestamp"},
			optional: []string{"skipped", "hostname", "id", "package"},
			children: []string{"properties", "testcase", "system-out", "system-err"},
		},
		"properties": {children: []string{"property"}},
		"property":   {required: []string{"name", "value"}},
		"testcase": {
			required: []string{"name", "classname", "time"},
			children: []string{"skipped", "error", "failure", "system-out", "system-err"},
		},
		"skipped":    {required: []string{"message"}},
		"error":      {required: []string{"message", "type"}, text: true},
		"failure":    {required: []string{"message", "type"}, text: true},
		"system-out": {text: true},
	}
}

// validate checks a document against the schema, and returns its elements in their order.
func validate(t *testing.T, document []byte) []string {
	t.Helper()
	type open struct {
		name  string
		child int // index of the last child's name in the rule
	}
	var stack []open
	var names []string
	decoder := xml.NewDecoder(bytes.NewReader(document))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return names
		}
		if err != nil {
			t.Fatalf("not well-formed: %v\n%s", err, document)
		}
		switch token := token.(type) {
		case xml.StartElement:
			name := token.Name.Local
			names = append(names, name)
			allowed, known := schema()[name]
			if !known {
				t.Fatalf("unknown element %s", name)
			}
			checkAttributes(t, token, allowed)
			if len(stack) == 0 {
				if name != "testsuites" {
					t.Errorf("the root is %s", name)
				}
			} else {
				parent := &stack[len(stack)-1]
				at := slices.Index(schema()[parent.name].children, name)
				if at < parent.child {
					t.Errorf("%s is in %s, or stands at the wrong place there", name, parent.name)
				}
				parent.child = at
			}
			stack = append(stack, open{name: name})
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			if len(stack) > 0 && !schema()[stack[len(stack)-1].name].text && strings.TrimSpace(string(token)) != "" {
				t.Errorf("%s has the text %q", stack[len(stack)-1].name, token)
			}
		}
	}
}

func checkAttributes(t *testing.T, element xml.StartElement, allowed rule) {
	t.Helper()
	patterns := map[string]string{
		"time": `^\d+\.\d{3}$`, "tests": `^\d+$`, "failures": `^\d+$`, "errors": `^\d+$`, "skipped": `^\d+$`,
		"timestamp": `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$`, "name": `.`, "type": `.`, "classname": `^\S`,
	}
	var present []string
	for _, a := range element.Attr {
		name := a.Name.Local
		present = append(present, name)
		if !slices.Contains(allowed.required, name) && !slices.Contains(allowed.optional, name) {
			t.Errorf("%s may not have the attribute %s", element.Name.Local, name)
		}
		if pattern, ok := patterns[name]; ok && !regexp.MustCompile(pattern).MatchString(a.Value) {
			t.Errorf("%s has %s=%q", element.Name.Local, name, a.Value)
		}
	}
	for _, name := range allowed.required {
		if !slices.Contains(present, name) {
			t.Errorf("%s lacks the attribute %s", element.Name.Local, name)
		}
	}
}

func write(t *testing.T, run results.Run) []byte {
	t.Helper()
	var document bytes.Buffer
	if err := junit.Write(&document, &run); err != nil {
		t.Fatal(err)
	}
	return document.Bytes()
}

// parsed is what a reader gets from the file.
type parsed struct {
	Tests    int `xml:"tests,attr"`
	Failures int `xml:"failures,attr"`
	Errors   int `xml:"errors,attr"`
	Suites   []struct {
		Name     string `xml:"name,attr"`
		Tests    int    `xml:"tests,attr"`
		Failures int    `xml:"failures,attr"`
		Errors   int    `xml:"errors,attr"`
		Skipped  int    `xml:"skipped,attr"`
		Cases    []struct {
			Name      string `xml:"name,attr"`
			Classname string `xml:"classname,attr"`
			Time      string `xml:"time,attr"`
			Failure   *struct {
				Message string `xml:"message,attr"`
				Type    string `xml:"type,attr"`
				Body    string `xml:",chardata"`
			} `xml:"failure"`
			Error *struct {
				Message string `xml:"message,attr"`
			} `xml:"error"`
			Skipped *struct {
				Message string `xml:"message,attr"`
			} `xml:"skipped"`
			Output string `xml:"system-out"`
		} `xml:"testcase"`
	} `xml:"testsuite"`
}

func read(t *testing.T, document []byte) parsed {
	t.Helper()
	var p parsed
	if err := xml.Unmarshal(document, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTheFileKeepsToTheSchema(t *testing.T) {
	ended := example.Run()
	ended.Error = "interrupted\nfrom the keyboard"
	for name, run := range map[string]results.Run{"example": example.Run(), "ended early": ended, "empty": {}} {
		t.Run(name, func(t *testing.T) { validate(t, write(t, run)) })
	}
}

func TestCasesAndTheirResults(t *testing.T) {
	var got []string
	for _, suite := range read(t, write(t, example.Run())).Suites {
		for _, c := range suite.Cases {
			line := fmt.Sprintf("%s | %s | %s", c.Classname, c.Name, c.Time)
			if c.Failure != nil {
				line += " | " + c.Failure.Type + ": " + c.Failure.Message
			}
			if c.Error != nil {
				line += " | error: " + c.Error.Message
			}
			if c.Skipped != nil {
				line += " | skipped: " + c.Skipped.Message
			}
			got = append(got, line)
		}
	}
	want := []string{
		"features.walkthroughs.ingress | Requests to /admin go round robin | 1.240",
		"features.walkthroughs.ingress | A canary gets its weight | 3.400 | failed: expected about 10 % of 1000 requests " +
			"answered by svc-v2 (63 to 141), seen 187 requests answered by svc-v2",
		"features.walkthroughs.ingress | TLS ends at the controller | 0.640",
		"features.walkthroughs.ingress | A step nobody has written | 0.001 | undefined: no step definition matches this text",
		"features.conformance.hosts | A request is routed by its host [host=gyull.com, status=200] | 0.084",
		"features.conformance.hosts | A request is routed by its host [host=test.gyull.com, status=404] | 0.084",
		"features.conformance.hosts | Pods talk over IPv6 | 0.002 | skipped: this cluster has IPv4 alone",
		"features.conformance.hosts | The namespace goes away | 30.000 | failed: after the scenario: the namespace " +
			"hosts-4 is still terminating after 30s",
		"features.conformance.hosts | Two wildcards | 0.000 | error: did not run to its end",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("cases (-want +got):\n%s", diff)
	}
}

func TestFailuresCarryPlaceAndText(t *testing.T) {
	failure := read(t, write(t, example.Run())).Suites[0].Cases[1].Failure
	for _, part := range []string{
		"Then 10 % of the requests are answered by svc-v2\n", "features/walkthroughs/ingress.feature:30\n",
		"    seen: 187 requests answered by svc-v2\n", " look at: the routing table below",
	} {
		if !strings.Contains(failure.Body, part) {
			t.Errorf("the failure lacks %q:\n%s", part, failure.Body)
		}
	}
}

func TestOutputShowsStepsAndEvidence(t *testing.T) {
	output := read(t, write(t, example.Run())).Suites[0].Cases[1].Output
	for _, part := range []string{
		"passed    Given the canary ingress (210ms)\n", "failed    Then 10 %", "skipped   And no other service answers\n",
		"--- Services that answered: 1000 requests ---\n     813  svc-v1 (nginx 1.13.0) (expected 900.0, accepted 859 to 937)\n",
		"p = 3.1e-16", "--- Routing table ---\nserver gyull.com\n",
	} {
		if !strings.Contains(output, part) {
			t.Errorf("the output lacks %q:\n%s", part, output)
		}
	}
}

func TestTotalsAreThoseOfTheCases(t *testing.T) {
	ended := example.Run()
	ended.Error = "interrupted"
	for name, run := range map[string]results.Run{"example": example.Run(), "ended early": ended} {
		t.Run(name, func(t *testing.T) {
			document := read(t, write(t, run))
			var tests, failures, problems int
			for _, suite := range document.Suites {
				var own [3]int
				for _, c := range suite.Cases {
					own[0] += count(c.Failure != nil)
					own[1] += count(c.Error != nil)
					own[2] += count(c.Skipped != nil)
				}
				if want := [3]int{suite.Failures, suite.Errors, suite.Skipped}; own != want || suite.Tests != len(suite.Cases) {
					t.Errorf("%s claims %v of %d, its cases are %v of %d", suite.Name, want, suite.Tests, own, len(suite.Cases))
				}
				tests, failures, problems = tests+suite.Tests, failures+suite.Failures, problems+suite.Errors
			}
			if document.Tests != tests || document.Failures != failures || document.Errors != problems {
				t.Errorf("totals %d, %d, %d, want %d, %d, %d",
					document.Tests, document.Failures, document.Errors, tests, failures, problems)
			}
		})
	}
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func TestCasesOfOneNameAreToldApart(t *testing.T) {
	run := results.Run{Features: []results.Feature{{URI: "a.feature", Scenarios: []results.Scenario{
		{Name: "same", Line: 3}, {Name: "same", Line: 7},
	}}}}
	cases := read(t, write(t, run)).Suites[0].Cases
	if cases[0].Name != "same" || cases[1].Name != "same (line 7)" {
		t.Errorf("names %q and %q", cases[0].Name, cases[1].Name)
	}
}

func TestLongTextsAreCut(t *testing.T) {
	run := example.Rewrite(example.Run(), func(s string) string { return strings.Repeat(s, 1+300_000/len(s)) })
	if size := len(write(t, run)); size > 12<<20 {
		t.Errorf("the file has %d bytes", size)
	}
}

func FuzzContentDoesNotChangeTheStructure(f *testing.F) {
	for _, seed := range []string{
		"]]>", "</failure><x>", "\x00\x01\x1b[31m", "\xff\xfe", "&amp;\"'", "\ufffe\uffff", "\r\n", strconv.Quote("\x7f"),
		strings.Repeat("é", 5000),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, hostile string) {
		want := validate(t, write(t, example.Rewrite(example.Run(), func(string) string { return "x" })))
		got := validate(t, write(t, example.Rewrite(example.Run(), func(string) string { return "x" + hostile + "x" })))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("elements (-want +got):\n%s", diff)
		}
	})
}
