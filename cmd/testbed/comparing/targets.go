package comparing

import (
	"fmt"
	"strings"

	"github.com/ingress-testbed/testbed/controller/compatibility"
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
		case kind != "testbed":
			return fmt.Errorf("%w: unknown controller %q: give testbed:mend, testbed:ingress-nginx or cluster", suite.ErrInput, text)
		case mode != "" && read.Set(mode) != nil:
			return fmt.Errorf("%w: controller %q: %w", suite.ErrInput, text, read.Set(mode))
		}
	}
	if count > 1 {
		return fmt.Errorf("%w: only one of the controllers can be that on the cluster", suite.ErrInput)
	}
	if f.compatibility != "" && (count == 0 || f.chosen.Existing()) {
		return fmt.Errorf("%w: --compatibility is for the test-bed's own controller on a cluster", suite.ErrInput)
	}
	return nil
}

// target is the controller of a name that was checked.
func (f *compareFlags) target(text string, environment *steps.Environment) compare.Target {
	if text == onTheCluster {
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
