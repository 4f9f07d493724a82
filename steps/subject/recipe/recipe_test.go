package recipe_test

import (
	"errors"
	"testing"

	"github.com/ingress-testbed/testbed/fixtures/charts"
	"github.com/ingress-testbed/testbed/fixtures/recipes"
	"github.com/ingress-testbed/testbed/steps/subject"
	"github.com/ingress-testbed/testbed/steps/subject/recipe"
)

func TestRender(t *testing.T) {
	found, err := recipes.Find("traefik@v3.7")
	if err != nil {
		t.Fatal(err)
	}
	source := recipe.New(found)
	installation, err := source.Render(nil)
	if err != nil {
		t.Fatal(err)
	}
	if installation.Existing() || installation.IngressClass != "traefik" || installation.Service != "traefik" || !installation.ServesLater || installation.Dump != nil {
		t.Errorf("%+v", installation)
	}
	if source.Description() != "Traefik v3.7" {
		t.Errorf("description %q", source.Description())
	}
	if _, err := source.Render(map[string]string{"replicas": "2"}); !errors.Is(err, subject.ErrTestbedOnly) {
		t.Errorf("a setting: %v", err)
	}
	if _, _, err := source.RenderRelease(charts.DefaultRelease(), nil); !errors.Is(err, subject.ErrTestbedOnly) {
		t.Errorf("a release: %v", err)
	}
	cilium, err := recipes.Find("cilium")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := recipe.New(cilium).Render(nil); !errors.Is(err, recipes.ErrNoManifests) {
		t.Errorf("a controller without manifests: %v", err)
	}
}
