package steps

import (
	"context"

	"github.com/cucumber/godog"

	"github.com/ingress-testbed/testbed/steps/vocabulary"
)

// deployment are the steps that deploy the ingress controller.
type deployment struct{ *scenario }

func (d *deployment) Definitions() []vocabulary.Definition {
	return []vocabulary.Definition{
		{
			Pattern: `an ingress controller`,
			Example: `an ingress controller`,
			Handler: func(ctx context.Context) error { return d.ensure(ctx, nil) },
		},
		{
			Pattern: `an ingress controller with:`,
			Example: `an ingress controller with:`,
			Handler: func(ctx context.Context, table *godog.Table) error {
				lines, err := pairs(table)
				if err != nil {
					return err
				}
				settings := map[string]string{}
				for _, line := range lines {
					settings[line[0]] = line[1]
				}
				return d.ensure(ctx, settings)
			},
		},
	}
}

func (d *deployment) ensure(ctx context.Context, settings map[string]string) error {
	entry, err := d.Controller.Ensure(ctx, d.Environment, settings)
	if err != nil {
		return err
	}
	d.uptake.controllerIs(settings)
	d.place.names.SetEntry(entry)
	return nil
}
