package suite

import (
	"slices"
	"strings"

	messages "github.com/cucumber/messages/go/v21"

	"github.com/ingress-testbed/testbed/steps/schedule"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
	"github.com/ingress-testbed/testbed/steps/world"
)

// claimOf returns what a scenario needs of what all share, by its tags and steps.
func claimOf(pickle *messages.Pickle, known *vocabulary.Vocabulary) schedule.Claim {
	uses := known.Uses(pickle.Steps)
	claim := schedule.Claim{
		First: len(uses[vocabulary.Controller]) > 0 || world.Article(pickle) && slices.ContainsFunc(pickle.Steps, isController),
		Sole:  world.OwnController(pickle) || len(uses[vocabulary.Controller]) > 0 || len(uses[vocabulary.Settings]) > 1,
		Alone: world.Serial(pickle) || len(uses[vocabulary.Cluster]) > 0,
	}
	for _, step := range uses[vocabulary.Settings] {
		settings := textOf(step)
		if strings.Contains(settings, "${") { // of the scenario's namespace, for example, which no other has
			claim.Sole = true
		}
		if strings.Contains(settings, " node port ") || strings.Contains(settings, " node port\x00") { // free on one controller only
			claim.Sequence = nodePorts
		}
		claim.Settings = settings
	}
	if world.Walkthrough(pickle) {
		claim.Sequence = pickle.Uri
	}
	if claim.Sole || claim.Sequence != "" {
		claim.Settings = ""
	}
	return claim
}

// nodePorts is the sequence of the scenarios that set node ports, which the whole cluster shares.
const nodePorts = "node ports"

// isController reports whether a step deploys the ingress controller.
func isController(step *messages.PickleStep) bool {
	return strings.HasPrefix(step.Text, "an ingress controller")
}

// reading are the commands of kubectl that change nothing.
func reading() []string {
	return []string{"describe", "explain", "get", "logs", "top", "version", "wait"}
}

// mayChangeController reports whether a scenario may change an ingress controller by other means than its settings.
func mayChangeController(pickle *messages.Pickle, known *vocabulary.Vocabulary) bool {
	uses := known.Uses(pickle.Steps)
	if world.Serial(pickle) || len(uses[vocabulary.Controller]) > 0 || len(uses[vocabulary.Cluster]) > 0 {
		return true
	}
	return slices.ContainsFunc(pickle.Steps, func(step *messages.PickleStep) bool {
		_, command, runs := strings.Cut(step.Text, `"kubectl `)
		verb, _, _ := strings.Cut(command, " ")
		return runs && !slices.Contains(reading(), verb)
	})
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
