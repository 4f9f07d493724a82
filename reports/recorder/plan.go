package recorder

import (
	"math"
	"strings"

	messages "github.com/cucumber/messages/go/v21"

	"github.com/ingress-testbed/testbed/reports/results"
)

// index finds nodes of a feature's syntax tree by their IDs, to which godog's pickles refer.
type index struct {
	scenarios   map[string]*messages.Scenario
	rules       map[string]string // names, by the scenario's ID
	rows        map[string]exampleRow
	steps       map[string]*messages.Step
	backgrounds map[string]bool // IDs of steps of backgrounds
}

type exampleRow struct {
	header, row *messages.TableRow
}

func newIndex(document *messages.Feature) *index {
	x := &index{
		scenarios: map[string]*messages.Scenario{}, rules: map[string]string{}, rows: map[string]exampleRow{},
		steps: map[string]*messages.Step{}, backgrounds: map[string]bool{},
	}
	for _, child := range document.Children {
		x.addBackground(child.Background)
		x.addScenario(child.Scenario, "")
		if child.Rule == nil {
			continue
		}
		for _, inner := range child.Rule.Children {
			x.addBackground(inner.Background)
			x.addScenario(inner.Scenario, child.Rule.Name)
		}
	}
	return x
}

func (x *index) addBackground(background *messages.Background) {
	if background == nil {
		return
	}
	for _, step := range background.Steps {
		x.steps[step.Id], x.backgrounds[step.Id] = step, true
	}
}

func (x *index) addScenario(scenario *messages.Scenario, rule string) {
	if scenario == nil {
		return
	}
	x.scenarios[scenario.Id], x.rules[scenario.Id] = scenario, rule
	for _, step := range scenario.Steps {
		x.steps[step.Id] = step
	}
	for _, examples := range scenario.Examples {
		for _, row := range examples.TableBody {
			x.rows[row.Id] = exampleRow{header: examples.TableHeader, row: row}
		}
	}
}

// plan makes the entries of a feature, all of whose scenarios are still to run.
func plan(document *messages.GherkinDocument, pickles []*messages.Pickle) (*feature, map[string]*scenario) {
	f := &feature{order: math.MaxInt, model: results.Feature{
		URI:         document.Uri,
		Keyword:     document.Feature.Keyword,
		Name:        document.Feature.Name,
		Description: unindent(document.Feature.Description),
		Line:        line(document.Feature.Location),
	}}
	for _, tag := range document.Feature.Tags {
		f.model.Tags = append(f.model.Tags, tag.Name)
	}
	x := newIndex(document.Feature)
	scenarios := map[string]*scenario{}
	for _, pickle := range pickles {
		s := x.scenario(f, pickle)
		f.scenarios = append(f.scenarios, s)
		scenarios[pickle.Id] = s
	}
	return f, scenarios
}

func (x *index) scenario(f *feature, pickle *messages.Pickle) *scenario {
	s := &scenario{feature: f, model: results.Scenario{Name: pickle.Name, Keyword: "Scenario"}}
	for _, tag := range pickle.Tags {
		s.model.Tags = append(s.model.Tags, tag.Name)
	}
	for _, id := range pickle.AstNodeIds {
		if node, ok := x.scenarios[id]; ok {
			s.model.Keyword = node.Keyword
			s.model.Description = unindent(node.Description)
			s.model.Rule = x.rules[id]
			s.model.Line = line(node.Location)
		}
		if example, ok := x.rows[id]; ok {
			s.model.Example = values(example)
			s.model.Line = line(example.row.Location)
		}
	}
	for _, pickleStep := range pickle.Steps {
		s.steps = append(s.steps, x.step(s, pickleStep))
	}
	return s
}

func (x *index) step(s *scenario, pickleStep *messages.PickleStep) *step {
	model := results.Step{Text: pickleStep.Text, Status: results.NotRun}
	for _, id := range pickleStep.AstNodeIds {
		if node, ok := x.steps[id]; ok {
			model.Keyword = strings.TrimSpace(node.Keyword)
			model.Line = line(node.Location)
			model.Background = x.backgrounds[id]
		}
	}
	if argument := pickleStep.Argument; argument != nil {
		if argument.DocString != nil {
			model.DocString = argument.DocString.Content
		}
		if argument.DataTable != nil {
			model.Table = table(argument.DataTable)
		}
	}
	return &step{scenario: s, model: model}
}

func table(data *messages.PickleTable) [][]string {
	var rows [][]string
	for _, row := range data.Rows {
		var cells []string
		for _, cell := range row.Cells {
			cells = append(cells, cell.Value)
		}
		rows = append(rows, cells)
	}
	return rows
}

func values(example exampleRow) []results.Property {
	var properties []results.Property
	for i, cell := range example.row.Cells {
		name := ""
		if example.header != nil && i < len(example.header.Cells) {
			name = example.header.Cells[i].Value
		}
		properties = append(properties, results.Property{Name: name, Value: cell.Value})
	}
	return properties
}

func line(location *messages.Location) int {
	if location == nil {
		return 0
	}
	return int(location.Line)
}

// unindent takes the file's indentation off each line of a description.
func unindent(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}
