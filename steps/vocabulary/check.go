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

// Problem is why a step can't be run.
type Problem struct {
	// What is wrong, as one sentence.
	What string
	// Suggestions are examples of steps that may have been meant, the nearest first.
	Suggestions []string
}

func (p Problem) Error() string {
	if len(p.Suggestions) == 0 {
		return p.What
	}
	return p.What + "\n    did you mean: " + strings.Join(p.Suggestions, "\n              or: ")
}

// Check tells why the step can't be run: because it is unknown, because several definitions match it, or because its
// doc string or table is missing or not wanted. It returns nil for a step that can.
func (v *Vocabulary) Check(step *messages.PickleStep) error {
	var matching []compiled
	for _, definition := range v.definitions {
		if definition.expression.MatchString(step.Text) {
			matching = append(matching, definition)
		}
	}
	switch len(matching) {
	case 0:
		return Problem{What: fmt.Sprintf("no step is worded %q", step.Text), Suggestions: v.nearest(step.Text)}
	case 1:
		return checkBlock(matching[0], step)
	}
	var patterns []string
	for _, definition := range matching {
		patterns = append(patterns, definition.Example)
	}
	return Problem{What: fmt.Sprintf("the step %q is ambiguous: it is worded like %q", step.Text, patterns)}
}

func checkBlock(definition compiled, step *messages.PickleStep) error {
	handler := reflect.TypeOf(definition.Handler)
	last := handler.In(handler.NumIn() - 1)
	hasText := step.Argument != nil && step.Argument.DocString != nil
	hasTable := step.Argument != nil && step.Argument.DataTable != nil
	switch {
	case last == reflect.TypeFor[*godog.DocString]() && !hasText:
		return fmt.Errorf("the step %q needs a text in triple quotes below it", step.Text)
	case last == reflect.TypeFor[*godog.Table]() && !hasTable:
		return fmt.Errorf("the step %q needs a table below it", step.Text)
	case !takesBlock(handler) && (hasText || hasTable):
		return fmt.Errorf("the step %q takes neither text nor table below it", step.Text)
	}
	return nil
}

// maxSuggestions keeps the message short.
const maxSuggestions = 3

// nearest finds the examples that share most words with the text.
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

// words of a step, without what is in quotes: that is the author's own.
func words(text string) []string {
	var unquoted strings.Builder
	for i, part := range strings.Split(text, `"`) {
		if i%2 == 0 {
			unquoted.WriteString(part + " ")
		}
	}
	return strings.Fields(strings.ToLower(unquoted.String()))
}

// likeness is the Sørensen–Dice coefficient of two sets of words, where a word that is one letter off counts half.
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

// oneOff tells whether one letter changed, added or left out makes one word of the other.
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
