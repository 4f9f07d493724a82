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

	"github.com/ingress-testbed/testbed/steps/vocabulary"
)

// Plan is what a run would do.
type Plan struct {
	// Scenarios that were selected, in the order in which they run.
	Scenarios []*messages.Pickle
	// ScenariosIn counts them by the URI of their pickles.
	ScenariosIn map[string]int

	files fs.FS
	paths []string
	tags  string
}

// Selection says which scenarios to run.
type Selection struct {
	// Files holds the feature files.
	Files fs.FS
	// Paths are files, folders, or "FILE:LINE" for one scenario; none means all files.
	Paths []string
	// Tags is an expression of tags: "@a" has, "~@a" has not, "," or, "&&" and.
	Tags string
}

// NewPlan selects scenarios and checks that they can be run, before anything is started for them. The error names
// every problem with its file and line: paths that are not there, files that don't parse, steps that nobody knows, a
// tag expression that means nothing, and a selection without a scenario.
func NewPlan(selection Selection, words *vocabulary.Vocabulary) (*Plan, error) {
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
			for _, step := range pickle.Steps {
				if err := words.Check(step); err != nil {
					problems = append(problems, fmt.Errorf("%s:%d: %w", feature.Uri, lines[step.AstNodeIds[0]], err))
				}
			}
		}
	}
	if err := errors.Join(unique(problems)...); err != nil {
		return nil, err
	}
	if len(plan.Scenarios) == 0 {
		return nil, plan.nothingSelected()
	}
	return plan, nil
}

func (p *Plan) options() *godog.Options {
	return &godog.Options{FS: p.files, Paths: p.paths, Tags: p.tags, Strict: true}
}

func (p *Plan) nothingSelected() error {
	selection := "the paths " + strings.Join(p.paths, ", ")
	if p.tags != "" {
		selection += " and the tags " + p.tags
	}
	return fmt.Errorf("no scenario was selected by %s", selection)
}

var lineSuffix = regexp.MustCompile(`:\d+$`)

// find lists the feature files at the paths.
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
			problems = append(problems, fmt.Errorf("there is no feature file or folder %q", given))
		case err != nil:
			problems = append(problems, fmt.Errorf("reading %q: %w", given, err))
		case len(found) == before:
			problems = append(problems, fmt.Errorf("there is no feature file in %q", given))
		}
	}
	slices.Sort(found)
	return slices.Compact(found), errors.Join(problems...)
}

// location is how Gherkin's parser begins a message: "(line:column): …".
var location = regexp.MustCompile(`(?m)^\((\d+):(\d+)\): (.*)$`)

// checkFile parses a feature file and tells every problem of it.
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
	// mostBytes of a feature file: its pickles take time that grows with the square of their number.
	mostBytes = 1 << 20
	// mostInLine is what Gherkin's parser can read; it breaks down at a longer line.
	mostInLine = bufio.MaxScanTokenSize - 2
	// mostProblems are told of one file. A file that is something else has one in every line.
	mostProblems = 10
)

// readFeature reads a feature file, unless it is larger than anybody would write.
func readFeature(files fs.FS, name string) ([]byte, error) {
	file, err := files.Open(name)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", name, err)
	}
	defer file.Close() //nolint:errcheck // only read
	content, err := io.ReadAll(io.LimitReader(file, mostBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if len(content) > mostBytes {
		return nil, fmt.Errorf("%s: a feature file can have %d KiB at most: divide it", name, mostBytes>>10)
	}
	number := 0
	for line := range bytes.Lines(content) {
		if number++; len(line) > mostInLine {
			return nil, fmt.Errorf("%s:%d: a line can have %d bytes at most", name, number, mostInLine)
		}
	}
	return content, nil
}

// firstOf leaves it at the first problems of a file.
func firstOf(problems []error, name string) []error {
	if len(problems) <= mostProblems {
		return problems
	}
	return append(problems[:mostProblems:mostProblems], fmt.Errorf("%s: %d more", name, len(problems)-mostProblems))
}

// checkOutlines refuses what godog would run all the same: an outline without examples, with its placeholders unfilled.
func checkOutlines(name string, document *messages.GherkinDocument) []error {
	if document.Feature == nil {
		return []error{fmt.Errorf("%s: the file has no feature", name)}
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

// stepLines finds the line of each step by its ID.
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

// unique drops the repetitions of a problem: the step of a background is one of each of its scenarios.
func unique(problems []error) []error {
	seen := map[string]bool{}
	return slices.DeleteFunc(problems, func(problem error) bool {
		repeated := seen[problem.Error()]
		seen[problem.Error()] = true
		return repeated
	})
}
