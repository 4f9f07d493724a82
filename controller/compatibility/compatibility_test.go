package compatibility_test

import (
	"bytes"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/fixtures/record"
	"github.com/ingress-testbed/testbed/internal/golden"
)

func TestDocument(t *testing.T) {
	files := map[compatibility.Difference][]string{}
	for _, s := range scenarios(t) {
		if !slices.Contains(files[s.difference], s.file) {
			files[s.difference] = append(files[s.difference], s.file)
		}
	}
	document, err := compatibility.Document(files, artefacts(t))
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "../../docs/compatibility.md", document)
}

// artefacts are the exceptions of the record.
func artefacts(t *testing.T) []compatibility.Artefact {
	t.Helper()
	content, err := fs.ReadFile(record.IngressNginx(), "exceptions.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Exceptions []struct {
			Reason string
			Checks map[string][]string
		}
	}
	if err := yaml.Unmarshal(content, &file); err != nil {
		t.Fatal(err)
	}
	var all []compatibility.Artefact
	for _, exception := range file.Exceptions {
		artefact := compatibility.Artefact{Reason: exception.Reason}
		for _, name := range slices.Sorted(maps.Keys(exception.Checks)) {
			for _, check := range exception.Checks[name] {
				artefact.Checks = append(artefact.Checks, compatibility.Check{Case: name, Name: check})
			}
		}
		all = append(all, artefact)
	}
	return all
}

// TestEvidence requires of each difference that the record shows it, or that the row says why it doesn't.
func TestEvidence(t *testing.T) {
	recorded, err := compatibility.Recorded()
	if err != nil {
		t.Fatal(err)
	}
	shown := map[compatibility.Difference]bool{}
	for _, difference := range recorded {
		shown[difference] = true
	}
	for _, row := range compatibility.Rows() {
		if shown[row.Difference] == (row.Unrecorded != "") {
			t.Errorf("%s: it has to have checks in recorded.yaml, or a reason for having none", row.Difference)
		}
	}
}

// TestRows requires of each difference that the code asks for it, and that its test exists: a case that is translated in
// both modes, or a test function.
func TestRows(t *testing.T) {
	seen := map[compatibility.Difference]bool{}
	code := sources(t)
	for _, row := range compatibility.Rows() {
		if seen[row.Difference] {
			t.Errorf("%s: two rows", row.Difference)
		}
		seen[row.Difference] = true
		if row.Theirs == "" || row.Ours == "" || row.Why == "" {
			t.Errorf("%s: the row is incomplete", row.Difference)
		}
		if pkg, name, isFunction := strings.Cut(row.Test, ": "); isFunction {
			if !definesTest(t, pkg, name) {
				t.Errorf("%s: no test %q in %s", row.Difference, name, pkg)
			}
		} else if _, err := os.Stat(filepath.Join("../translate/testdata", row.Test, "ingress-nginx.txt")); err != nil {
			t.Errorf("%s: the case isn't translated in both modes: %v", row.Difference, err)
		}
		if name := constantOf(t, row.Difference); !bytes.Contains(code, []byte("compatibility."+name)) {
			t.Errorf("%s: no code uses %s", row.Difference, name)
		}
	}
}

func TestMode(t *testing.T) {
	for _, mode := range []compatibility.Mode{compatibility.Mend, compatibility.IngressNginx} {
		var got compatibility.Mode
		if err := got.UnmarshalText([]byte(mode.String())); err != nil || got != mode {
			t.Errorf("%s is read as %s: %v", mode, got, err)
		}
	}
	mode := compatibility.IngressNginx
	if err := mode.Set("nginx"); err == nil || mode != compatibility.IngressNginx {
		t.Errorf("an unknown mode gives %s, %v", mode, err)
	}
	if compatibility.Mend.Reproduces(compatibility.CanaryByService) {
		t.Error("faults are reproduced by default")
	}
}

// sources is the code that may use differences.
func sources(t *testing.T) []byte {
	t.Helper()
	var all []byte
	for _, pattern := range []string{"../config/*.go", "../config/*/*.go", "../translate/*.go", "../translate/*/*.go", "../snapshot/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, content...)
		}
	}
	return all
}

// constantOf is the name of a difference's constant.
func constantOf(t *testing.T, difference compatibility.Difference) string {
	t.Helper()
	content, err := os.ReadFile("differences.go")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(content)) {
		if fields := strings.Fields(line); len(fields) > 2 && fields[len(fields)-1] == `"`+string(difference)+`"` {
			return fields[0]
		}
	}
	t.Fatalf("%s has no constant", difference)
	return ""
}

func definesTest(t *testing.T, pkg, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("../..", pkg, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(content, []byte("\nfunc "+name+"(")) {
			return true
		}
	}
	return false
}
