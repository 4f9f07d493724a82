package release_test

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ingress-testbed/testbed/internal/release"
)

func TestIdentifyLicences(t *testing.T) {
	apache, err := os.ReadFile("../../LICENSE")
	if err != nil {
		t.Fatal(err)
	}
	files := sources()
	files["lib/LICENSE.md"] = string(apache)
	folder, built := build(t, files)
	programs, err := release.Programs(built)
	if err != nil {
		t.Fatal(err)
	}
	notices, err := release.CollectNotices(t.Context(), programs, []string{folder + "/main"})
	if err != nil {
		t.Fatal(err)
	}
	licences, err := notices.Identify()
	if err != nil {
		t.Fatal(err)
	}
	want := release.Licences{"../lib ": {"Apache-2.0"}, "std " + programs[0].Info.GoVersion: {"BSD-3-Clause"}}
	if diff := cmp.Diff(want, licences); diff != "" {
		t.Errorf("licences (-want +got):\n%s", diff)
	}
}
