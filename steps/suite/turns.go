package suite

import (
	"context"
	"fmt"

	"github.com/cucumber/godog"

	"github.com/ingress-testbed/testbed/steps/schedule"
	"github.com/ingress-testbed/testbed/steps/subject"
	"github.com/ingress-testbed/testbed/steps/world"
)

// turns are godog hooks that make scenarios wait for their turn, the first and the last of each.
type turns struct {
	schedule    *schedule.Schedule
	positions   map[string]int // by the pickle's ID
	changing    []bool         // by position
	controllers []subject.Controller
}

// begunKey is the context key of a scenario's position, once it has begun.
type begunKey struct{}

// newTurns relies on godog numbering the pickles alike whenever it reads the same files.
func newTurns(plan *Plan, controllers []subject.Controller, parallel int) *turns {
	t := &turns{
		positions: map[string]int{}, changing: plan.Changing, controllers: controllers,
		schedule: schedule.New(plan.Claims, len(controllers), parallel),
	}
	for position, pickle := range plan.Scenarios {
		t.positions[pickle.Id] = position
	}
	return t
}

func (t *turns) begin(ctx context.Context, pickle *godog.Scenario) (context.Context, error) {
	position, planned := t.positions[pickle.Id]
	if !planned {
		return ctx, fmt.Errorf("%s: the scenario %q is not part of the plan; were feature files changed during the run?", pickle.Uri, pickle.Name)
	}
	controller, err := t.schedule.Begin(ctx, position)
	if err != nil {
		return ctx, nil //nolint:nilerr // the run was interrupted: the next hook skips the scenario
	}
	return world.WithController(context.WithValue(ctx, begunKey{}, position), controller), nil
}

func (t *turns) end(ctx context.Context, _ *godog.Scenario, _ error) (context.Context, error) {
	position, begun := ctx.Value(begunKey{}).(int)
	if !begun {
		return ctx, nil
	}
	if t.changing[position] {
		t.controllers[world.ControllerFrom(ctx)].Recheck()
	}
	t.schedule.End(position)
	return ctx, nil
}
