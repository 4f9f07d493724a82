// Package junit writes a run as JUnit XML, in the form that Jenkins's schema and GitHub's test reporters agree on: a
// suite for each feature, a case for each scenario.
package junit

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ingress-testbed/testbed/reports/plaintext"
	"github.com/ingress-testbed/testbed/reports/results"
)

// The schema's elements. It fixes their order: properties before cases, a result before the output.
type (
	suites struct {
		XMLName  xml.Name `xml:"testsuites"`
		Name     string   `xml:"name,attr"`
		Tests    int      `xml:"tests,attr"`
		Failures int      `xml:"failures,attr"`
		Errors   int      `xml:"errors,attr"`
		Time     string   `xml:"time,attr"`
		Suites   []suite  `xml:"testsuite"`
	}
	suite struct {
		Name       string     `xml:"name,attr"`
		Tests      int        `xml:"tests,attr"`
		Failures   int        `xml:"failures,attr"`
		Errors     int        `xml:"errors,attr"`
		Skipped    int        `xml:"skipped,attr"`
		Time       string     `xml:"time,attr"`
		Timestamp  string     `xml:"timestamp,attr"`
		ID         string     `xml:"id,attr"`
		Properties []property `xml:"properties>property,omitempty"`
		Cases      []testcase `xml:"testcase"`
	}
	property struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	testcase struct {
		Name      string   `xml:"name,attr"`
		Classname string   `xml:"classname,attr"`
		Time      string   `xml:"time,attr"`
		Skipped   *skipped `xml:"skipped"`
		Error     *problem `xml:"error"`
		Failure   *problem `xml:"failure"`
		Output    string   `xml:"system-out,omitempty"`
	}
	skipped struct {
		Message string `xml:"message,attr"`
	}
	problem struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Body    string `xml:",chardata"`
	}
)

// fileProperty names the suite's property that has the feature's file; the class name has lost its slashes.
const fileProperty = "testbed.feature-file"

// Write renders the run. Failing scenarios are failures, whatever made them fail; scenarios that did not run are
// errors; skipped ones carry their reason. A run that ended early has a case of its own that says why.
func Write(w io.Writer, run *results.Run) error {
	return encode(w, suites{Name: line(run.Title, "Test run"), Time: seconds(run.Duration()), Suites: suitesOf(run)})
}

func suitesOf(run *results.Run) []suite {
	var all []suite
	if run.Error != "" {
		all = append(all, ended(run))
	}
	for i := range run.Features {
		all = append(all, newSuite(i, run, &run.Features[i]))
	}
	return all
}

// encode adds up the suites' counts and writes the document.
func encode(w io.Writer, document suites) error {
	for _, s := range document.Suites {
		document.Tests += s.Tests
		document.Failures += s.Failures
		document.Errors += s.Errors
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("writing the XML header: %w", err)
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(document); err != nil {
		return fmt.Errorf("encoding the run as XML: %w", err)
	}
	if _, err := io.WriteString(w, "\n"); err != nil {
		return fmt.Errorf("ending the XML: %w", err)
	}
	return nil
}

func ended(run *results.Run) suite {
	message := plaintext.Clean(run.Error)
	return suite{
		Name: "Test run", Tests: 1, Errors: 1, Time: seconds(0), Timestamp: timestamp(run.Started), ID: "run",
		Properties: properties(run, ""),
		Cases: []testcase{{
			Name: "The run comes to its end", Classname: "run", Time: seconds(run.Duration()),
			Error: &problem{Message: line(message, "ended early"), Type: "ended early", Body: message},
		}},
	}
}

func newSuite(number int, run *results.Run, feature *results.Feature) suite {
	counts := feature.Count()
	s := suite{
		Name: line(feature.Name, line(feature.URI, "Feature")), Tests: counts.Total, Failures: counts.Failed, Errors: counts.NotRun,
		Skipped: counts.Skipped, Timestamp: timestamp(run.Started), ID: fmt.Sprint(number + 1), Properties: properties(run, feature.URI),
	}
	var total time.Duration
	names := map[string]bool{}
	first := true
	for i := range feature.Scenarios {
		scenario := &feature.Scenarios[i]
		total += scenario.Duration
		if !scenario.Started.IsZero() && (first || timestamp(scenario.Started) < s.Timestamp) {
			s.Timestamp, first = timestamp(scenario.Started), false
		}
		c := newCase(feature, scenario)
		// Readers distinguish cases by name and class.
		if names[c.Name] {
			c.Name = fmt.Sprintf("%s (line %d)", c.Name, scenario.Line)
		}
		names[c.Name] = true
		s.Cases = append(s.Cases, c)
	}
	s.Time = seconds(total)
	return s
}

func newCase(feature *results.Feature, scenario *results.Scenario) testcase {
	c := testcase{
		Name: line(scenario.FullName(), "Scenario"), Classname: classname(feature.URI), Time: seconds(scenario.Duration),
		Output: output(scenario),
	}
	status := scenario.Status()
	switch {
	case status == results.Passed:
	case status == results.Skipped:
		c.Skipped = &skipped{Message: line(scenario.SkipReason(), "skipped")}
	case status == results.NotRun:
		c.Error = &problem{Message: "did not run to its end", Type: string(results.NotRun)}
	default:
		c.Failure = newProblem(feature, scenario, status)
	}
	return c
}

// newProblem has all failures of the scenario in its body, as the schema has one element for them, and the first in its
// message.
func newProblem(feature *results.Feature, scenario *results.Scenario, status results.Status) *problem {
	uri := line(feature.URI, "?")
	message := ""
	var parts []string
	for i := range scenario.Steps {
		step := &scenario.Steps[i]
		if !step.Status.Failing() || step.Failure == nil {
			continue
		}
		if len(parts) == 0 {
			message = step.Failure.Summary()
		}
		parts = append(parts, fmt.Sprintf("%s %s\n%s:%d\n\n%s\n", step.Keyword, step.Text, uri, step.Line, step.Failure.Message))
	}
	if scenario.Error != "" || len(parts) == 0 {
		if len(parts) == 0 {
			message = scenario.Error
		}
		parts = append(parts, fmt.Sprintf("%s\n%s:%d\n", shorten(scenario.Error, maxOutput), uri, scenario.Line))
	}
	return &problem{
		Message: line(message, "failed"), Type: string(status),
		Body: shorten(plaintext.Clean(strings.Join(parts, "\n")), maxOutput),
	}
}

// classname is the file's path in the dotted form of class names, by which Jenkins groups cases.
func classname(uri string) string {
	name := strings.TrimSuffix(line(uri, "features"), ".feature")
	name = strings.ReplaceAll(strings.Trim(name, "/."), "/", ".")
	if name == "" {
		return "features"
	}
	return name
}

// properties are the file of the suite's feature, if it is of one, and what is known of the environment.
func properties(run *results.Run, uri string) []property {
	var all []property
	if uri = line(uri, ""); uri != "" {
		all = append(all, property{Name: fileProperty, Value: uri})
	}
	for _, p := range run.Environment {
		all = append(all, property{Name: line(p.Name, "property"), Value: line(p.Value, "")})
	}
	return all
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }

// timestamp is xs:dateTime without a zone, as the schema requires; it is UTC.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05") }
