package vocabulary

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/cucumber/godog"
	messages "github.com/cucumber/messages/go/v21"
)

// Problem is the reason why a step can't be run.
type Problem struct {
	// Message describes the problem in one sentence.
	Message string
	// Suggestions are similar steps, the most similar first.
	Suggestions []string
}

func (p Problem) Error() string {
	if len(p.Suggestions) == 0 {
		return p.Message
	}
	return p.Message + "\n    did you mean: " + strings.Join(p.Suggestions, "\n              or: ")
}

// Check returns an error if the step can't be run: no definition or several match it, or its doc string or table is
// missing or superfluous.
func (v *Vocabulary) Check(step *messages.PickleStep) error {
	var matching []compiled
	for _, definition := range v.definitions {
		if definition.expression.MatchString(step.Text) {
			matching = append(matching, definition)
		}
	}
	switch len(matching) {
	case 0:
		return Problem{Message: fmt.Sprintf("there is no step %q", step.Text), Suggestions: v.nearest(step.Text)}
	case 1:
		return checkBlock(matching[0], step)
	}
	var patterns []string
	for _, definition := range matching {
		patterns = append(patterns, definition.Example)
	}
	return Problem{Message: fmt.Sprintf("the step %q is ambiguous: it matches the steps %q", step.Text, patterns)}
}

func checkBlock(definition compiled, step *messages.PickleStep) error {
	handler := reflect.TypeOf(definition.Handler)
	last := handler.In(handler.NumIn() - 1)
	hasText := step.Argument != nil && step.Argument.DocString != nil
	hasTable := step.Argument != nil && step.Argument.DataTable != nil
	switch {
	case last == reflect.TypeFor[*godog.DocString]() && !hasText:
		return fmt.Errorf("the step %q needs a doc string (a text in triple quotes)", step.Text)
	case last == reflect.TypeFor[*godog.Table]() && !hasTable:
		return fmt.Errorf("the step %q needs a table", step.Text)
	case !takesBlock(handler) && (hasText || hasTable):
		return fmt.Errorf("the step %q takes no doc string or table", step.Text)
	}
	return nil
}

// maxSuggestions is the most suggestions in a Problem.
const maxSuggestions = 3

// nearest returns the examples that share the most words with the text.
func (v *Vocabulary) nearest(text string) []string {
	type candidate struct {
		example  string
		likeness float64
	}
	var candidates []candidate
	for _, definition := range v.definitions {
		if likeness := likeness(words(text), words(definition.Example)); likeness >= 0.3 {
			candidates = append(candidates, candidate{definition.Example, likeness})
		}
	}
	slices.SortStableFunc(candidates, func(a, b candidate) int { return cmp.Compare(b.likeness, a.likeness) })
	var examples []string
	for _, candidate := range candidates[:min(len(candidates), maxSuggestions)] {
		examples = append(examples, candidate.example)
	}
	return examples
}

// words returns the words of a step without its quoted arguments.
func words(text string) []string {
	var unquoted strings.Builder
	for i, part := range strings.Split(text, `"`) {
		if i%2 == 0 {
			unquoted.WriteString(part + " ")
		}
	}
	return strings.Fields(strings.ToLower(unquoted.String()))
}

// likeness is the Sørensen–Dice coefficient of two lists of words. Words that differ in one letter count half.
func likeness(a, b []string) float64 {
	if len(a)+len(b) == 0 {
		return 0
	}
	shared := 0.0
	for _, word := range a {
		best := 0.0
		for _, other := range b {
			if word == other {
				best = 1
				break
			}
			if oneOff(word, other) {
				best = 0.5
			}
		}
		shared += best
	}
	return 2 * shared / float64(len(a)+len(b))
}

// oneOff reports whether the edit distance of two words is at most one.
func oneOff(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	common := 0
	for common < len(a) && a[common] == b[common] {
		common++
	}
	if len(a) == len(b) {
		return common < len(a) && a[common+1:] == b[common+1:]
	}
	return a[common:] == b[common+1:]
}
