package setting_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/controller/config/setting"
	"github.com/ingress-testbed/testbed/internal/golden"
)

func TestDocuments(t *testing.T) {
	golden.Compare(t, "../../../docs/annotations.md", setting.AnnotationsDocument())
	golden.Compare(t, "../../../docs/configmap.md", setting.ConfigMapDocument())
}

// TestTables requires each setting once, with all that the documents need, and the feature file of supported ones.
func TestTables(t *testing.T) {
	name := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	for title, table := range map[string]setting.Table{"annotations": setting.Annotations(), "ConfigMap": setting.ConfigMap()} {
		seen := map[string]bool{}
		for _, group := range table.Groups() {
			for _, s := range group.Settings {
				if !name.MatchString(s.Name) || seen[s.Name] || table.Lookup(s.Name) == nil {
					t.Errorf("%s: %q is there twice, or not a name", title, s.Name)
				}
				seen[s.Name] = true
				if s.Values == "" || !strings.HasSuffix(s.Does, ".") {
					t.Errorf("%s: %q is not described: %+v", title, s.Name, s)
				}
				switch d := s.Decision; d.Kind {
				case setting.Supported:
					if _, err := os.Stat("../../../features/conformance/" + d.Feature + ".feature"); err != nil || d.Reason != "" {
						t.Errorf("%s: %q has no feature file: %v", title, s.Name, err)
					}
				case setting.Refused, setting.Harmless:
					if d.Reason == "" || d.Feature != "" {
						t.Errorf("%s: %q needs a reason and no feature: %+v", title, s.Name, d)
					}
					if d.Kind == setting.Harmless && d.Protects {
						t.Errorf("%s: %q protects and has no effect", title, s.Name)
					}
				default:
					t.Errorf("%s: %q has no decision", title, s.Name)
				}
			}
		}
		if title == "annotations" && len(seen) != 138 {
			t.Errorf("ingress-nginx has 138 annotations, the table %d", len(seen))
		}
	}
	if setting.Annotations().Lookup("no-such-annotation") != nil {
		t.Error("an unknown name is found")
	}
}
