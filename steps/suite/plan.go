package suite

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	gherkin "github.com/cucumber/gherkin/go/v26"
	"github.com/cucumber/godog"
	messages "github.com/cucumber/messages/go/v21"

	"github.com/ingress-testbed/testbed/steps/schedule"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
)

// Plan is the selection of scenarios for a run.
type Plan struct {
	// Scenarios in the order in which they run.
	Scenarios []*messages.Pickle
	// ScenariosIn counts them by the URI of their pickles.
	ScenariosIn map[string]int
	// Claims are what the scenarios share with others, in the same order.
	Claims []schedule.Claim
	// Changing is whether the scenarios may change the controller by other means than its settings, in the same order.
	Changing []bool

	files fs.FS
	paths []string
	tags  string
}

// Selection selects scenarios.
type Selection struct {
	// Files contains the feature files.
	Files fs.FS
	// Paths are files, folders, or "FILE:LINE" for one scenario. If there are none, all files are selected.
	Paths []string
	// Tags is a tag expression: "~" is not, "," is or, "&&" is and.
	Tags string
	// Repeat is how often each scenario runs, one round of all of them after the other; 0 is once.
	Repeat int
}

// NewPlan selects scenarios and checks them against the vocabulary. The error lists every problem with its file and
// line: paths that don't exist, files that can't be parsed, unknown steps, an invalid tag expression, and a selection
// without a scenario.
func NewPlan(selection Selection, known *vocabulary.Vocabulary) (*Plan, error) {
	selection, err := repeat(selection, selection.Repeat)
	if err != nil {
		return nil, err
	}
	plan := &Plan{ScenariosIn: map[string]int{}, files: selection.Files, paths: selection.Paths, tags: strings.TrimSpace(selection.Tags)}
	if len(plan.paths) == 0 {
		plan.paths = []string{"."}
	}
	if err := checkTags(plan.tags); err != nil {
		return nil, err
	}
	files, err := plan.find()
	if err != nil {
		return nil, err
	}
	var problems []error
	for _, file := range files {
		problems = append(problems, checkFile(selection.Files, file)...)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	features, err := godog.TestSuite{Options: plan.options()}.RetrieveFeatures()
	if err != nil {
		return nil, fmt.Errorf("reading the feature files: %w", err)
	}
	for _, feature := range features {
		lines := stepLines(feature.GherkinDocument)
		for _, pickle := range feature.Pickles {
			plan.Scenarios = append(plan.Scenarios, pickle)
			plan.ScenariosIn[pickle.Uri]++
			plan.Claims = append(plan.Claims, claimOf(pickle, known))
			plan.Changing = append(plan.Changing, mayChangeController(pickle, known))
			for _, step := range pickle.Steps {
				if err := known.Check(step); err != nil {
					problems = append(problems, fmt.Errorf("%s:%d: %w", feature.Uri, lines[step.AstNodeIds[0]], err))
				}
			}
		}
	}
	if err := errors.Join(unique(problems)...); err != nil {
		return nil, err
	}
	if len(plan.Scenarios) == 0 {
		return nil, plan.errNothingSelected()
	}
	return plan, nil
}

func (p *Plan) options() *godog.Options {
	return &godog.Options{FS: p.files, Paths: p.paths, Tags: p.tags, Strict: true}
}

func (p *Plan) errNothingSelected() error {
	selection := "the paths " + strings.Join(p.paths, ", ")
	if p.tags != "" {
		selection += " and the tags " + p.tags
	}
	return fmt.Errorf("no scenario was selected by %s", selection)
}

var lineSuffix = regexp.MustCompile(`:\d+$`)

// find lists the feature files that the paths select.
func (p *Plan) find() ([]string, error) {
	var found []string
	var problems []error
	for i, given := range p.paths {
		name := path.Clean(lineSuffix.ReplaceAllString(given, ""))
		p.paths[i] = name + lineSuffix.FindString(given)
		before := len(found)
		err := fs.WalkDir(p.files, name, func(file string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if !entry.IsDir() && (strings.HasSuffix(file, ".feature") || file == name) {
				found = append(found, file)
			}
			return nil
		})
		switch {
		case errors.Is(err, fs.ErrNotExist):
			problems = append(problems, fmt.Errorf("no such feature file or folder: %q", given))
		case err != nil:
			problems = append(problems, fmt.Errorf("reading %q: %w", given, err))
		case len(found) == before:
			problems = append(problems, fmt.Errorf("no feature files in %q", given))
		}
	}
	slices.Sort(found)
	return slices.Compact(found), errors.Join(problems...)
}

// location matches an error message of the Gherkin parser: "(line:column): …".
var location = regexp.MustCompile(`(?m)^\((\d+):(\d+)\): (.*)$`)

// checkFile parses a feature file and returns its problems.
func checkFile(files fs.FS, name string) []error {
	content, err := readFeature(files, name)
	if err != nil {
		return []error{err}
	}
	document, err := gherkin.ParseGherkinDocument(bytes.NewReader(content), (&messages.Incrementing{}).NewId)
	if err == nil {
		return checkOutlines(name, document)
	}
	var problems []error
	for _, match := range location.FindAllStringSubmatch(err.Error(), -1) {
		problems = append(problems, fmt.Errorf("%s:%s: %s", name, match[1], match[3]))
	}
	if len(problems) == 0 {
		problems = append(problems, fmt.Errorf("%s: %w", name, err))
	}
	return firstOf(problems, name)
}

const (
	// maxFile is the most bytes of a feature file. The time to compile its pickles grows with the square of their number.
	maxFile = 1 << 20
	// maxLine is the most bytes of a line that the Gherkin parser can read; it fails with longer ones.
	maxLine = bufio.MaxScanTokenSize - 2
	// maxProblems is the most problems reported for a file. A file of another format has one in every line.
	maxProblems = 10
)

// readFeature reads a feature file within the limits above.
func readFeature(files fs.FS, name string) ([]byte, error) {
	file, err := files.Open(name)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", name, err)
	}
	defer file.Close() //nolint:errcheck // only read
	content, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if len(content) > maxFile {
		return nil, fmt.Errorf("%s: the feature file is larger than %d KiB: split it", name, maxFile>>10)
	}
	number := 0
	for line := range bytes.Lines(content) {
		if number++; len(line) > maxLine {
			return nil, fmt.Errorf("%s:%d: the line is longer than %d bytes", name, number, maxLine)
		}
	}
	return content, nil
}

// firstOf limits the problems of a file to maxProblems.
func firstOf(problems []error, name string) []error {
	if len(problems) <= maxProblems {
		return problems
	}
	return append(problems[:maxProblems:maxProblems], fmt.Errorf("%s: %d more problems", name, len(problems)-maxProblems))
}

// checkOutlines rejects what godog would pass without running it: outlines without examples and scenarios without steps.
func checkOutlines(name string, document *messages.GherkinDocument) []error {
	if document.Feature == nil {
		return []error{fmt.Errorf("%s: the file contains no feature", name)}
	}
	var problems []error
	for _, scenario := range scenarios(document.Feature) {
		rows := 0
		for _, examples := range scenario.Examples {
			rows += len(examples.TableBody)
		}
		outline := strings.Contains(scenario.Keyword, "Outline") || strings.Contains(scenario.Keyword, "Template") || len(scenario.Examples) > 0
		switch {
		case outline && rows == 0:
			problems = append(problems, fmt.Errorf("%s:%d: the outline %q has no examples", name, scenario.Location.Line, scenario.Name))
		case len(scenario.Steps) == 0:
			problems = append(problems, fmt.Errorf("%s:%d: the scenario %q has no steps", name, scenario.Location.Line, scenario.Name))
		}
	}
	return problems
}

func scenarios(feature *messages.Feature) []*messages.Scenario {
	var all []*messages.Scenario
	for _, child := range feature.Children {
		if child.Scenario != nil {
			all = append(all, child.Scenario)
		}
		if child.Rule == nil {
			continue
		}
		for _, ruleChild := range child.Rule.Children {
			if ruleChild.Scenario != nil {
				all = append(all, ruleChild.Scenario)
			}
		}
	}
	return all
}

// stepLines maps the ID of each step to its line.
func stepLines(document *messages.GherkinDocument) map[string]int64 {
	lines := map[string]int64{}
	add := func(steps []*messages.Step) {
		for _, step := range steps {
			lines[step.Id] = step.Location.Line
		}
	}
	for _, child := range document.Feature.Children {
		if child.Background != nil {
			add(child.Background.Steps)
		}
		if child.Rule == nil {
			continue
		}
		for _, ruleChild := range child.Rule.Children {
			if ruleChild.Background != nil {
				add(ruleChild.Background.Steps)
			}
		}
	}
	for _, scenario := range scenarios(document.Feature) {
		add(scenario.Steps)
	}
	return lines
}

// unique removes duplicates: a problem in a background is found in each of its scenarios.
func unique(problems []error) []error {
	seen := map[string]bool{}
	return slices.DeleteFunc(problems, func(problem error) bool {
		repeated := seen[problem.Error()]
		seen[problem.Error()] = true
		return repeated
	})
}
