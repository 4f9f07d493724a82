package suite

import (
	"strings"

	messages "github.com/cucumber/messages/go/v21"

	"github.com/ingress-testbed/testbed/steps/schedule"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
	"github.com/ingress-testbed/testbed/steps/world"
)

// claimOf returns what a scenario shares with others, by its tags and steps.
func claimOf(pickle *messages.Pickle, known *vocabulary.Vocabulary) schedule.Claim {
	uses := known.Uses(pickle.Steps)
	claim := schedule.Claim{
		Lane:  world.Lane(pickle),
		Sole:  world.Walkthrough(pickle) || len(uses[vocabulary.Controller]) > 0 || len(uses[vocabulary.Settings]) > 1,
		Alone: world.Serial(pickle) || len(uses[vocabulary.Cluster]) > 0,
	}
	for _, step := range uses[vocabulary.Settings] {
		settings := textOf(step)
		if strings.Contains(settings, "${") { // of the scenario's namespace, for example, which no other has
			claim.Sole = true
			continue
		}
		claim.Settings = settings
	}
	if claim.Sole {
		claim.Settings = ""
	}
	return claim
}

// textOf returns the table of a step, equal for equal ones.
func textOf(step *messages.PickleStep) string {
	var text strings.Builder
	if step.Argument == nil || step.Argument.DataTable == nil {
		return ""
	}
	for _, row := range step.Argument.DataTable.Rows {
		for _, cell := range row.Cells {
			text.WriteString(cell.Value + "\x00")
		}
		text.WriteByte('\n')
	}
	return text.String()
}
