package release_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cyclonedx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/go-cmp/cmp"

	"github.com/ingress-testbed/testbed/internal/release"
)

func modules(names ...string) *cyclonedx.BOM {
	var components []cyclonedx.Component
	for _, name := range names {
		components = append(components, cyclonedx.Component{
			BOMRef: "pkg:golang/" + name + "@v1", Type: cyclonedx.ComponentTypeLibrary, Name: name, Version: "v1",
		})
	}
	bom := cyclonedx.NewBOM()
	bom.Components = &components
	return bom
}

// sbom writes the bill of materials of two programs that share a module.
func sbom(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	write(t, folder, map[string]string{"b*": "", "a*": "abc"})
	sbom := release.NewSBOM(release.Product{Name: "product", Version: "v1.2.3", Time: time.Unix(0, 0)}, release.Licences{"shared v1": {"ISC", "MIT"}})
	for name, bom := range map[string]*cyclonedx.BOM{"a": modules("shared", "only-a"), "b": modules("only-b", "shared")} {
		if err := sbom.Add(release.Program{Name: "bin/" + name, Path: filepath.Join(folder, name)}, bom); err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	if err := sbom.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestSBOM(t *testing.T) {
	written := sbom(t)
	var got cyclonedx.BOM
	if err := json.Unmarshal([]byte(written), &got); err != nil {
		t.Fatal(err)
	}
	if m := got.Metadata; m.Component.Name != "product" || m.Component.Version != "v1.2.3" || m.Timestamp != "1970-01-01T00:00:00Z" {
		t.Errorf("metadata %+v", m)
	}
	var names []string
	for _, component := range *got.Components {
		names = append(names, component.BOMRef)
	}
	want := []string{"program:bin/a", "program:bin/b", "pkg:golang/only-a@v1", "pkg:golang/only-b@v1", "pkg:golang/shared@v1"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("components (-want +got):\n%s", diff)
	}
	if hash := (*(*got.Components)[0].Hashes)[0]; !strings.HasPrefix(hash.Value, "ba7816bf") {
		t.Errorf("hash of a: %+v", hash)
	}
	for _, component := range *got.Components {
		var ids []string
		if component.Evidence != nil {
			for _, choice := range *component.Evidence.Licenses {
				ids = append(ids, choice.License.ID)
			}
		}
		var want []string
		if component.Name == "shared" {
			want = []string{"ISC", "MIT"}
		}
		if diff := cmp.Diff(want, ids); diff != "" {
			t.Errorf("licences of %s (-want +got):\n%s", component.Name, diff)
		}
	}
	wantDependencies := []cyclonedx.Dependency{
		{Ref: "product", Dependencies: &[]string{"program:bin/a", "program:bin/b"}},
		{Ref: "program:bin/a", Dependencies: &[]string{"pkg:golang/only-a@v1", "pkg:golang/shared@v1"}},
		{Ref: "program:bin/b", Dependencies: &[]string{"pkg:golang/only-b@v1", "pkg:golang/shared@v1"}},
	}
	if diff := cmp.Diff(&wantDependencies, got.Dependencies); diff != "" {
		t.Errorf("dependencies (-want +got):\n%s", diff)
	}
	for range 5 { // maps have no order
		if sbom(t) != written {
			t.Fatal("two bills of the same programs differ")
		}
	}
}

// A stand-in for cyclonedx-gomod prints its own arguments as a component, or fails.
func TestGenerator(t *testing.T) {
	folder := t.TempDir()
	write(t, folder, map[string]string{
		"good*": `#!/bin/sh
printf '{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[{"type":"library","name":"%s"}]}' "$*"`,
		"bad*": "#!/bin/sh\necho no such module >&2; exit 1",
	})
	program := release.Program{Name: "bin/a", Path: "/a/program"}
	bom, err := release.SBOMGenerator{filepath.Join(folder, "good"), "first"}.Generate(t.Context(), program, "v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	arguments := (*bom.Components)[0].Name
	if !strings.HasPrefix(arguments, "first bin ") || !strings.HasSuffix(arguments, " -version v1.2.3 /a/program") {
		t.Errorf("called with %q", arguments)
	}
	if _, err := (release.SBOMGenerator{filepath.Join(folder, "bad")}).Generate(t.Context(), program, "v1"); err == nil || !strings.Contains(err.Error(), "no such module") {
		t.Errorf("error %v", err)
	}
}
