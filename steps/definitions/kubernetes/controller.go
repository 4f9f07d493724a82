package kubernetes

import (
	"context"

	"github.com/cucumber/godog"

	"github.com/ingress-testbed/testbed/steps/arguments"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
	"github.com/ingress-testbed/testbed/steps/world"
)

// controllerSteps deploy the ingress controller.
type controllerSteps struct {
	controller Controller
	readiness  Readiness
}

func (c controllerSteps) definitions() []vocabulary.Definition {
	return []vocabulary.Definition{
		{
			Pattern: `an ingress controller`,
			Example: `an ingress controller`,
			Handler: func(ctx context.Context) error { return c.ensure(ctx, nil) },
		},
		{
			Pattern: `an ingress controller with:`,
			Example: `an ingress controller with:`,
			Uses:    vocabulary.Settings,
			Handler: func(ctx context.Context, table *godog.Table) error {
				lines, err := arguments.Pairs(table)
				if err != nil {
					return err
				}
				settings := map[string]string{}
				for _, line := range lines {
					settings[line[0]] = line[1]
				}
				return c.ensure(ctx, settings)
			},
		},
	}
}

func (c controllerSteps) ensure(ctx context.Context, settings map[string]string) error {
	entry, err := c.controller.Ensure(ctx, settings)
	if err != nil {
		return err
	}
	c.readiness.SetDeployed(settings, entry)
	world.From(ctx).Namespace.Resolver.SetEntry(entry)
	return nil
}
