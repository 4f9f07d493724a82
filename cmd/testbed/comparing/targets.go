package comparing

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/fixtures/recipes"
	"github.com/ingress-testbed/testbed/steps"
	"github.com/ingress-testbed/testbed/steps/compare"
	"github.com/ingress-testbed/testbed/steps/compare/cluster"
	"github.com/ingress-testbed/testbed/steps/compare/inprocess"
	"github.com/ingress-testbed/testbed/steps/suite"
)

// onTheCluster is the controller on the cluster that the flags choose.
const onTheCluster = "cluster"

// checkTargets checks the names of the controllers.
func (f *compareFlags) checkTargets() error {
	count := 0
	for _, text := range append([]string{f.reference}, f.candidates...) {
		kind, mode, _ := strings.Cut(text, ":")
		var read compatibility.Mode
		switch {
		case text == onTheCluster:
			count++
		case isRecipe(text):
			if f.chosen.Existing() {
				return fmt.Errorf("%w: %s is deployed by this command: --ingress-class and --controller-service are for the controller %q", suite.ErrInput, text, onTheCluster)
			}
			if _, err := recipes.Find(text); err != nil {
				return fmt.Errorf("%w: %w", suite.ErrInput, err)
			}
			f.chosen.UseRecipe(text)
			count++
		case kind != "testbed":
			return fmt.Errorf("%w: unknown controller %q: give testbed:mend, testbed:ingress-nginx, cluster, or one of %s (docs/recipes.md)", suite.ErrInput, text,
				strings.Join(recipes.Names(), ", "))
		case mode != "" && read.Set(mode) != nil:
			return fmt.Errorf("%w: controller %q: %w", suite.ErrInput, text, read.Set(mode))
		}
	}
	if count > 1 {
		return fmt.Errorf("%w: only one of the controllers can be that on the cluster", suite.ErrInput)
	}
	if f.compatibility != "" && (count == 0 || f.chosen.Existing() || slices.ContainsFunc(slices.Concat(f.candidates, []string{f.reference}), isRecipe)) {
		return fmt.Errorf("%w: --compatibility is for the test-bed's own controller on a cluster", suite.ErrInput)
	}
	return nil
}

// isRecipe reports whether a controller is one that the command deploys to the cluster, NAME or NAME@VERSION.
func isRecipe(text string) bool {
	name, _, _ := strings.Cut(text, "@")
	return slices.Contains(recipes.Names(), name)
}

// isOnCluster reports whether a controller needs a cluster.
func isOnCluster(text string) bool { return text == onTheCluster || isRecipe(text) }

// target is the controller of a name that was checked.
func (f *compareFlags) target(text string, environment *steps.Environment) compare.Target {
	if isOnCluster(text) {
		var settings map[string]string
		if f.compatibility != "" {
			settings = map[string]string{"flag compatibility": f.compatibility}
		}
		return &cluster.Target{Environment: environment, Settings: settings}
	}
	own := &inprocess.Target{}
	if _, mode, given := strings.Cut(text, ":"); given {
		own.Mode.Set(mode) //nolint:errcheck // it was checked
	}
	return own
}

// causes are the differences between the modes of the test-bed's own controller, where it is compared with itself.
func causes(reference compare.Target, candidates []compare.Target) []compare.Cause {
	for _, target := range append([]compare.Target{reference}, candidates...) {
		if _, own := target.(*inprocess.Target); !own {
			return nil
		}
	}
	if own, _ := reference.(*inprocess.Target); own.Mode != compatibility.IngressNginx {
		return nil
	}
	return inprocess.Causes()
}
