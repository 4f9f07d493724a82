package kubernetes

import (
	"context"
	"fmt"

	"github.com/ingress-testbed/testbed/steps/backends"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
	"github.com/ingress-testbed/testbed/steps/world"
)

// maxShared is the most Pods of a shared backend.
const maxShared = 10

// backendSteps make Services whose backends are shared.
type backendSteps struct{ backends Backends }

func (b backendSteps) definitions() []vocabulary.Definition {
	return []vocabulary.Definition{
		{
			Pattern: `a Service "([^"]*)" with (\d+) shared (echo|probe|extra|fastcgi) servers?`,
			Example: `a Service "shop" with 2 shared echo servers`,
			Handler: b.share,
		},
	}
}

// share applies a Service with port 80, whose name stands for the Pods in later steps. Other scenarios send requests to the
// same Pods, so a scenario must not depend on state of these Pods, nor change them.
func (b backendSteps) share(ctx context.Context, service string, pods int, kind string) error {
	if pods < 1 || pods > maxShared {
		return fmt.Errorf("a Service has 1 to %d shared servers, not %d", maxShared, pods)
	}
	backend, err := b.backends.Backend(ctx, backends.Kind(kind), service, pods)
	if err != nil {
		return err
	}
	if err := applyAll(ctx, backend.Objects); err != nil {
		return err
	}
	world.From(ctx).SharePods(service, backend.Namespace, backend.Deployment)
	return nil
}
