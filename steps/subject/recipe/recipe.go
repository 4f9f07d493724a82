// Package recipe deploys ingress controllers other than the test-bed's own.
package recipe

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ingress-testbed/testbed/fixtures/charts"
	"github.com/ingress-testbed/testbed/fixtures/recipes"
	"github.com/ingress-testbed/testbed/steps/subject"
)

// Source is a recipe as a source of installations.
type Source struct{ recipe *recipes.Recipe }

var _ subject.Source = Source{}

// New returns the source of a recipe.
func New(r *recipes.Recipe) Source { return Source{r} }

// Description identifies the controller in reports.
func (s Source) Description() string { return s.recipe.Title + " " + s.recipe.Version }

// Render returns the installation. Settings are not supported: the error for them wraps subject.ErrTestbedOnly.
func (s Source) Render(settings map[string]string) (subject.Installation, error) {
	if len(settings) > 0 {
		return subject.Installation{}, fmt.Errorf("the scenario sets %s of the ingress controller, which %s has not: %w",
			strings.Join(slices.Sorted(maps.Keys(settings)), ", "), s.recipe.Title, subject.ErrTestbedOnly)
	}
	objects, err := s.recipe.Objects()
	if err != nil {
		return subject.Installation{}, err
	}
	return subject.Installation{
		Objects: objects, Namespace: s.recipe.Namespace, Service: s.recipe.Service, Selector: s.recipe.Selector,
		IngressClass: s.recipe.IngressClass, ServesLater: true,
	}, nil
}

// RenderRelease is not supported: its error wraps subject.ErrTestbedOnly.
func (s Source) RenderRelease(release charts.Release, _ map[string]any) (subject.Installation, map[string]any, error) {
	return subject.Installation{}, nil, fmt.Errorf("the scenario installs the Helm release %s, and the controller is %s: %w",
		release.Name, s.recipe.Title, subject.ErrTestbedOnly)
}
