package definitions_test

import (
	"testing"

	messages "github.com/cucumber/messages/go/v21"

	"github.com/ingress-testbed/testbed/steps/definitions"
)

// Every example matches its own definition and no other.
func TestTheVocabularyIsUnambiguous(t *testing.T) {
	known, err := definitions.Vocabulary()
	if err != nil {
		t.Fatal(err)
	}
	text := &messages.PickleStepArgument{DocString: &messages.PickleDocString{}}
	table := &messages.PickleStepArgument{DataTable: &messages.PickleTable{}}
	for _, example := range known.Examples() {
		var problem error
		for _, argument := range []*messages.PickleStepArgument{nil, text, table} {
			if problem = known.Check(&messages.PickleStep{Text: example, Argument: argument}); problem == nil {
				break
			}
		}
		if problem != nil {
			t.Errorf("%s: %v", example, problem)
		}
	}
}
