package junit

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/ingress-testbed/testbed/reports/plaintext"
	"github.com/ingress-testbed/testbed/reports/results"
)

// maxFile bounds what is read, in bytes. A run of a hundred scenarios makes about one megabyte.
const maxFile = 256 << 20

// Report is a file of Write's that was read back.
type Report struct {
	// Run is what the file knows of the run. Scenarios have one step without a text, which stands for all of them and
	// has the status, the one line that says why it failed, or the reason of a skip. Names hold the example's values.
	Run results.Run

	suites []suite
}

// Read reads what Write has written. The error says why it isn't that: a file that was cut off, say, or one whose cases
// aren't as many as it claims. Texts are cleaned again, as others may have changed the file.
func Read(r io.Reader) (*Report, error) {
	limited := &io.LimitedReader{R: r, N: maxFile + 1}
	document, err := decode(limited)
	if limited.N <= 0 {
		return nil, fmt.Errorf("the file is larger than %d MiB", maxFile>>20)
	}
	if err != nil {
		return nil, err
	}
	report := &Report{}
	var started time.Time
	for i := range document.Suites {
		s := tidy(&document.Suites[i])
		if at, err := time.Parse(timestampLayout, s.Timestamp); err == nil && (started.IsZero() || at.Before(started)) {
			started = at
		}
		report.suites = append(report.suites, s)
	}
	report.Run = results.Run{
		Title: line(document.Name, "Test run"), Started: started, Finished: started.Add(duration(document.Time)),
	}
	for i := range report.suites {
		report.add(&report.suites[i])
	}
	return report, nil
}

// decode reads one document and makes sure that nothing is missing from it and nothing follows.
func decode(r io.Reader) (*suites, error) {
	decoder := xml.NewDecoder(r)
	var document suites
	if err := decoder.Decode(&document); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("the file is empty, or no XML")
		}
		return nil, fmt.Errorf("the file is not whole, or no JUnit report: %w", err)
	}
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("after the report there is more: %w", err)
		}
		if element, ok := token.(xml.StartElement); ok {
			return nil, fmt.Errorf("after the report there is more: an element %q", element.Name.Local)
		}
	}
	var found [3]int
	for i := range document.Suites {
		counts := count(document.Suites[i].Cases)
		found[0] += counts.tests
		found[1] += counts.failures
		found[2] += counts.errors
	}
	if said := [3]int{document.Tests, document.Failures, document.Errors}; said != found {
		return nil, fmt.Errorf("the file contradicts itself: it claims %d cases, %d failures and %d errors, and has %d, %d and %d",
			said[0], said[1], said[2], found[0], found[1], found[2])
	}
	return &document, nil
}

type counts struct{ tests, failures, errors, skipped int }

func count(cases []testcase) counts {
	var c counts
	for i := range cases {
		c.tests++
		switch {
		case cases[i].Failure != nil:
			c.failures++
		case cases[i].Error != nil:
			c.errors++
		case cases[i].Skipped != nil:
			c.skipped++
		}
	}
	return c
}

// tidy is a copy of the suite as Write would have made it.
func tidy(s *suite) suite {
	c := count(s.Cases)
	tidied := suite{
		Name: line(s.Name, "Feature"), Tests: c.tests, Failures: c.failures, Errors: c.errors, Skipped: c.skipped,
		Time: seconds(duration(s.Time)), Timestamp: timestamp(time.Time{}), ID: line(s.ID, "?"),
	}
	if at, err := time.Parse(timestampLayout, s.Timestamp); err == nil {
		tidied.Timestamp = timestamp(at)
	}
	for _, p := range s.Properties {
		tidied.Properties = append(tidied.Properties, property{Name: line(p.Name, "fact"), Value: line(p.Value, "")})
	}
	for i := range s.Cases {
		tidied.Cases = append(tidied.Cases, tidyCase(&s.Cases[i]))
	}
	return tidied
}

func tidyCase(c *testcase) testcase {
	tidied := testcase{
		Name: line(c.Name, "Scenario"), Classname: line(c.Classname, "features"), Time: seconds(duration(c.Time)),
		Output: shorten(plaintext.Clean(c.Output), maxOutput),
	}
	switch {
	case c.Failure != nil:
		tidied.Failure = tidyProblem(c.Failure, "failed")
	case c.Error != nil:
		tidied.Error = tidyProblem(c.Error, "error")
	case c.Skipped != nil:
		tidied.Skipped = &skipped{Message: line(c.Skipped.Message, "skipped")}
	}
	return tidied
}

func tidyProblem(p *problem, otherwise string) *problem {
	return &problem{
		Message: line(p.Message, otherwise), Type: line(p.Type, otherwise), Body: shorten(plaintext.Clean(p.Body), maxOutput),
	}
}

// add makes a suite a feature of the run, or the reason why the run ended early.
func (r *Report) add(s *suite) {
	if s.ID == endedID && len(s.Cases) == 1 && s.Cases[0].Error != nil && s.Cases[0].Error.Type == endedType {
		why := s.Cases[0].Error
		if r.Run.Problem = strings.TrimSpace(why.Body); r.Run.Problem == "" {
			r.Run.Problem = why.Message
		}
		r.environment(s.Properties)
		return
	}
	feature := results.Feature{Keyword: "Feature", Name: s.Name, URI: r.environment(s.Properties)}
	for i := range s.Cases {
		if feature.URI == "" {
			feature.URI = s.Cases[i].Classname
		}
		feature.Scenarios = append(feature.Scenarios, scenario(&s.Cases[i]))
	}
	r.Run.Features = append(r.Run.Features, feature)
}

// environment keeps the facts that the first suite has, as all have the same, and returns the suite's file.
func (r *Report) environment(properties []property) (uri string) {
	var facts []results.Fact
	for _, p := range properties {
		if p.Name == fileProperty {
			uri = p.Value
			continue
		}
		facts = append(facts, results.Fact{Name: p.Name, Value: p.Value})
	}
	if r.Run.Environment == nil {
		r.Run.Environment = facts
	}
	return uri
}

func scenario(c *testcase) results.Scenario {
	step := results.Step{Status: results.Passed}
	switch {
	case c.Failure != nil:
		step.Status, step.Failure = failing(c.Failure.Type), &results.Failure{Message: c.Failure.Message}
	case c.Error != nil && c.Error.Type == string(results.NotRun):
		step.Status = results.NotRun
	case c.Error != nil:
		step.Status, step.Failure = results.Failed, &results.Failure{Message: c.Error.Message}
	case c.Skipped != nil:
		step.Status, step.SkipReason = results.Skipped, c.Skipped.Message
	}
	return results.Scenario{
		Keyword: "Scenario", Name: c.Name, Duration: duration(c.Time), Steps: []results.Step{step},
	}
}

// failing is the status that a failure's type names.
func failing(kind string) results.Status {
	if status := results.Status(kind); status.Failing() {
		return status
	}
	return results.Failed
}

// duration reads a number of seconds; what isn't one, or more than a year, is zero.
func duration(text string) time.Duration {
	const year = 365 * 24 * 60 * 60
	number, err := strconv.ParseFloat(text, 64)
	if err != nil || !(number >= 0 && number < year) {
		return 0
	}
	return time.Duration(number*1e9 + 0.5).Round(time.Millisecond)
}
