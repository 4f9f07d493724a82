package compatibility_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gherkin "github.com/cucumber/gherkin/go/v26"
	messages "github.com/cucumber/messages/go/v21"

	"github.com/ingress-testbed/testbed/controller/compatibility"
)

// scenario is one that shows a difference in one mode.
type scenario struct {
	difference compatibility.Difference
	mode       string
	// file is the path in the repository.
	file string
}

// TestScenarios requires of each difference that scenarios show it in both modes, or a reason why none can.
func TestScenarios(t *testing.T) {
	modes := map[compatibility.Difference][]string{}
	for _, s := range scenarios(t) {
		modes[s.difference] = append(modes[s.difference], s.mode)
	}
	unshown := compatibility.Unshown()
	for _, row := range compatibility.Rows() {
		shown := modes[row.Difference]
		delete(modes, row.Difference)
		if reason, is := unshown[row.Difference]; is {
			if reason == "" || len(shown) > 0 {
				t.Errorf("%s: it needs a reason for having no scenarios, and has %d", row.Difference, len(shown))
			}
			delete(unshown, row.Difference)
			continue
		}
		for _, mode := range []compatibility.Mode{compatibility.Mend, compatibility.IngressNginx} {
			if !slices.Contains(shown, mode.String()) {
				t.Errorf("%s: no scenario with the tag @difference:%s sets the controller's flag compatibility to %s", row.Difference, row.Difference, mode)
			}
		}
	}
	for difference := range modes {
		t.Errorf("scenarios have the tag of a difference that isn't there: %s", difference)
	}
	for difference := range unshown {
		t.Errorf("a difference that isn't there has a reason for having no scenarios: %s", difference)
	}
}

// scenarios returns those of features/conformance that have the tag of a difference, an outline's once for each example.
func scenarios(t *testing.T) []scenario {
	t.Helper()
	const root = "../.."
	files, err := filepath.Glob(root + "/features/conformance/*.feature")
	if err != nil || len(files) == 0 {
		t.Fatalf("no feature files: %v", err)
	}
	var found []scenario
	for _, file := range files {
		content, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		ids := (&messages.Incrementing{}).NewId
		document, err := gherkin.ParseGherkinDocument(content, ids)
		content.Close()
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, pickle := range gherkin.Pickles(*document, file, ids) {
			for _, tag := range pickle.Tags {
				if name, is := strings.CutPrefix(tag.Name, "@difference:"); is {
					found = append(found, scenario{
						compatibility.Difference(name), modeOf(pickle), filepath.ToSlash(strings.TrimPrefix(file, root+"/")),
					})
				}
			}
		}
	}
	return found
}

// modeOf is the mode that a scenario gives the controller; "" if it gives none.
func modeOf(pickle *messages.Pickle) string {
	for _, step := range pickle.Steps {
		if step.Argument == nil || step.Argument.DataTable == nil {
			continue
		}
		for _, row := range step.Argument.DataTable.Rows {
			if len(row.Cells) == 2 && row.Cells[0].Value == "flag compatibility" {
				return row.Cells[1].Value
			}
		}
	}
	return ""
}
