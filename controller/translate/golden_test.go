package translate_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/controller/snapshot/snapshottest"
	"github.com/ingress-testbed/testbed/controller/translate"
	"github.com/ingress-testbed/testbed/internal/golden"
)

// TestGolden translates testdata/CASE/in.yaml and compares the table, the problems and, where the case has a file for
// them, the decisions and the table in the mode ingress-nginx. An optional settings.yaml holds a snapshot.Settings.
// Write what is seen with:
//
//	go test ./controller/translate -run Golden -update
func TestGolden(t *testing.T) {
	cases, err := filepath.Glob("testdata/*/in.yaml")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases found: %v", err)
	}
	for _, in := range cases {
		dir := filepath.Dir(in)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			taken := takeSnapshot(t, dir)
			result := translate.Translate(taken)
			golden.Compare(t, filepath.Join(dir, "table.txt"), tableText(t, result))
			golden.Compare(t, filepath.Join(dir, "problems.txt"), lines(result.Problems))
			if reproduced := filepath.Join(dir, "ingress-nginx.txt"); exists(reproduced) {
				taken.Settings.Compatibility = compatibility.IngressNginx
				golden.Compare(t, reproduced, tableText(t, translate.Translate(taken)))
			}
			if decisions := filepath.Join(dir, "decisions.txt"); exists(decisions) {
				golden.Compare(t, decisions, lines(result.Decisions))
			}
			if faults := result.Table.Validate(); len(faults) > 0 {
				t.Errorf("the table is not valid: %v", faults)
			}
		})
	}
}

func takeSnapshot(t *testing.T, dir string) *snapshot.Snapshot {
	t.Helper()
	objects, err := snapshottest.Objects(read(t, filepath.Join(dir, "in.yaml")))
	if err != nil {
		t.Fatal(err)
	}
	settings := snapshot.Settings{
		ControllerClass: "testbed.local/ingress",
		LegacyClass:     "nginx",
		ConfigMap:       types.NamespacedName{Namespace: "ingress", Name: "ingress-nginx-controller"},
	}
	if file := filepath.Join(dir, "settings.yaml"); exists(file) {
		if err := yaml.UnmarshalStrict(read(t, file), &settings); err != nil {
			t.Fatal(err)
		}
	}
	return snapshot.Take(snapshottest.NewStore(objects...), settings)
}

func tableText(t *testing.T, result translate.Result) string {
	t.Helper()
	var table bytes.Buffer
	if err := result.Table.WriteText(&table); err != nil {
		t.Fatal(err)
	}
	return table.String()
}

func lines[T fmt.Stringer](items []T) string {
	var text strings.Builder
	for _, item := range items {
		fmt.Fprintln(&text, item)
	}
	return text.String()
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
