package junit

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ingress-testbed/testbed/reports/results"
)

// Labelled is one of the runs that Combine puts into one file.
type Labelled struct {
	// Label distinguishes the run.
	Label string
	// Run is nil if there are no results, and Error says why, then.
	Run   *results.Run
	Error string
}

// Combine writes the results of several runs as one file. The label stands before the name of each suite and before the
// class of each case, as readers distinguish cases by class and name. A run without results has one suite, which fails.
func Combine(w io.Writer, title string, runs []Labelled) error {
	document := suites{Name: line(title, "Test runs")}
	var total time.Duration
	for _, run := range runs {
		own := run.Run
		if own == nil {
			own = &results.Run{Error: line(run.Error, "did not finish")}
		}
		total += own.Duration()
		for _, s := range suitesOf(own) {
			s.Name = line(run.Label, "run") + ": " + s.Name
			s.ID = fmt.Sprint(len(document.Suites) + 1)
			s.Cases = labelled(s.Cases, run.Label)
			document.Suites = append(document.Suites, s)
		}
	}
	document.Time = seconds(total)
	return encode(w, document)
}

// labelled copies the cases. Dots in the label would read as parts of the class's package.
func labelled(cases []testcase, label string) []testcase {
	prefix := strings.ReplaceAll(line(label, "run"), ".", "_") + "."
	copied := make([]testcase, 0, len(cases))
	for _, c := range cases {
		c.Classname = prefix + c.Classname
		copied = append(copied, c)
	}
	return copied
}
