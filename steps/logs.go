package steps

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/cucumber/godog"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/steps/kubectl"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
)

// logTimeout bounds the wait for a line of a log: lines come a little later than what they tell.
const logTimeout = 10 * time.Second

// logs are the steps about what the controller writes: its log, its routing table, and events.
type logs struct{ *scenario }

func (l *logs) Definitions() []vocabulary.Definition {
	return []vocabulary.Definition{
		{
			Pattern: `the controller's log has, in this order:`,
			Example: `the controller's log has, in this order:`,
			Handler: l.hasInOrder,
		},
		{
			Pattern: `the controller's routing table has:`,
			Example: `the controller's routing table has:`,
			Handler: l.tableHas,
		},
		{
			Pattern: `an event on the (\S+) "([^"]*)" says "([^"]*)"`,
			Example: `an event on the Ingress "shop" says "no Service"`,
			Handler: l.eventSays,
		},
	}
}

// hasInOrder looks for the table's texts, one a row, each in a line of its own.
func (l *logs) hasInOrder(ctx context.Context, table *godog.Table) error {
	if controller, err := l.Controller.Current(); err == nil && controller.foreign() {
		return fmt.Errorf("what a controller logs is its own affair: %w", errOwnOnly)
	}
	log := ""
	err := l.eventually(ctx, logTimeout, func(ctx context.Context) error {
		var err error
		if log, err = l.controllerLog(ctx, 0); err != nil {
			return err
		}
		lines := strings.Split(log, "\n")
		for number, row := range table.Rows {
			text := row.Cells[0].Value
			for len(lines) > 0 && !strings.Contains(lines[0], text) {
				lines = lines[1:]
			}
			if len(lines) == 0 {
				return failure(fmt.Sprintf("the controller's log has %q, after the %d texts before it", text, number),
					"no such line", "the controller's log, attached to this step")
			}
			lines = lines[1:]
		}
		return nil
	})
	l.show(evidence.Text{Title: "The controller's log", Body: log})
	return err
}

// tableHas looks for lines of the controller's own rendering of what it serves.
func (l *logs) tableHas(ctx context.Context, text *godog.DocString) error {
	table := ""
	err := l.eventually(ctx, logTimeout, func(ctx context.Context) error {
		var err error
		if table, err = l.routingTable(ctx); err != nil {
			return err
		}
		if missing, ok := kubectl.Prints(table, text.Content); !ok {
			return failure(fmt.Sprintf("the routing table has, in its place, the line %q", missing), "no such line",
				"the routing table, attached to this step")
		}
		return nil
	})
	l.show(evidence.Text{Title: "The controller's routing table", Body: table})
	return err
}

func (l *logs) eventSays(ctx context.Context, kind, name, text string) error {
	return l.eventually(ctx, logTimeout, func(ctx context.Context) error {
		events, err := l.Objects.Events(ctx, l.place.namespace)
		if err != nil {
			return err
		}
		for line := range strings.SplitSeq(events, "\n") {
			if strings.Contains(line, "  "+kind+"/"+name+"  ") && strings.Contains(line, text) {
				return nil
			}
		}
		return failure(fmt.Sprintf("an event on %s %s says %q", kind, name, text), events, "kubectl get events -n "+l.place.namespace)
	})
}
