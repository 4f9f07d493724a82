package mutants_test

import (
	"flag"
	"os"
	"path"
	"testing"

	"github.com/ingress-testbed/testbed/features"
	"github.com/ingress-testbed/testbed/internal/racedetector"
	"github.com/ingress-testbed/testbed/proxy/mutant"
	"github.com/ingress-testbed/testbed/steps/inprocess"
	"github.com/ingress-testbed/testbed/steps/mutants"
)

// The flags select a part, for those who write scenarios.
var (
	only     = flag.String("mutant", "*", "mutants to run, a pattern such as 'access.* ignored'")         //nolint:gochecknoglobals // flags
	others   = flag.Bool("others", false, "run scenarios about something else, too, which must not fail") //nolint:gochecknoglobals // flags
	document = flag.String("document", "", "file to write the table to")                                  //nolint:gochecknoglobals // flags
)

// Every mutant is found by a scenario about its subject and, with -others, by none that is about something else and doesn't need it.
func TestEveryMutantIsFound(t *testing.T) {
	if testing.Short() || racedetector.On {
		t.Skip("all scenarios run, many times: make test does it without the race detector")
	}
	scenarios, err := inprocess.Scenarios(features.Files(), "", "conformance")
	if err != nil {
		t.Fatal(err)
	}
	var selected []mutant.Mutant
	for _, m := range mutant.All() {
		if matches, err := path.Match(*only, m.Name()); err != nil {
			t.Fatal(err)
		} else if matches {
			selected = append(selected, m)
		}
	}
	survey, err := mutants.Run(t.Context(), mutants.Options{
		Files: features.Files(), Scenarios: scenarios, Mutants: selected, Others: *others, First: !*others && *document == "", Parallel: 16,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range survey.Problems() {
		t.Error(problem)
	}
	t.Logf("%d scenarios ran, %d are left out", survey.Ran, len(survey.LeftOut))
	if *document != "" {
		if err := os.WriteFile(*document, []byte(survey.Document()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
