package definitions_test

import (
	"testing"

	messages "github.com/cucumber/messages/go/v21"

	"github.com/ingress-testbed/testbed/steps/definitions"
)

// Every example must be understood by its own definition and by no other.
func TestTheVocabularyIsUnambiguous(t *testing.T) {
	words, err := definitions.Vocabulary()
	if err != nil {
		t.Fatal(err)
	}
	text := &messages.PickleStepArgument{DocString: &messages.PickleDocString{}}
	table := &messages.PickleStepArgument{DataTable: &messages.PickleTable{}}
	for _, example := range words.Examples() {
		var problem error
		for _, argument := range []*messages.PickleStepArgument{nil, text, table} {
			if problem = words.Check(&messages.PickleStep{Text: example, Argument: argument}); problem == nil {
				break
			}
		}
		if problem != nil {
			t.Errorf("%s: %v", example, problem)
		}
	}
}
