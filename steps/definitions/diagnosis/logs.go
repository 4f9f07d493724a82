package diagnosis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cucumber/godog"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/steps/kubectl"
	"github.com/ingress-testbed/testbed/steps/subject"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
	"github.com/ingress-testbed/testbed/steps/world"
)

// logTimeout bounds the wait for a log line or an event, which may be written after what it reports has happened.
const logTimeout = 10 * time.Second

// Definitions returns the steps.
func (s Source) Definitions() []vocabulary.Definition {
	return []vocabulary.Definition{
		{
			Pattern: `the controller's log contains, in this order:`,
			Example: `the controller's log contains, in this order:`,
			Handler: s.hasInOrder,
		},
		{
			Pattern: `the controller's log does not contain "([^"]*)"`,
			Example: `the controller's log does not contain "/healthz"`,
			Handler: s.lacks,
		},
		{
			Pattern: `the controller served within (\d+) seconds of reading the cluster`,
			Example: `the controller served within 5 seconds of reading the cluster`,
			Handler: s.servedWithin,
		},
		{
			Pattern: `the controller's routing table contains:`,
			Example: `the controller's routing table contains:`,
			Handler: s.tableHas,
		},
		{
			Pattern: `an event on the (\S+) "([^"]*)" says "([^"]*)"`,
			Example: `an event on the Ingress "shop" says "no Service"`,
			Handler: s.eventSays,
		},
	}
}

// hasInOrder expects the texts in the table's first column in this order, each on a line of its own.
func (s Source) hasInOrder(ctx context.Context, table *godog.Table) error {
	if installation, err := s.Controller.Installation(); err == nil && (installation.Existing() || installation.ServesLater) {
		return fmt.Errorf("the format of the controller's log is unknown: %w", subject.ErrTestbedOnly)
	}
	scenario := world.From(ctx)
	log := ""
	err := scenario.Eventually(ctx, logTimeout, func(ctx context.Context) error {
		var err error
		if log, err = s.controllerLog(ctx, 0); err != nil {
			return err
		}
		return inOrder(strings.Split(log, "\n"), table)
	})
	scenario.Attach(evidence.Text{Title: "The controller's log", Body: log})
	return err
}

// inOrder finds each text of the table's first column in a line after that of the text before it. A text that isn't found
// doesn't keep those after it from being found.
func inOrder(lines []string, table *godog.Table) error {
	var problems []error
	for number, row := range table.Rows {
		if len(row.Cells) != 1 {
			return fmt.Errorf("row %d of the table has %d cells: the table must have one column, of texts", number+1, len(row.Cells))
		}
		text := row.Cells[0].Value
		found := slices.IndexFunc(lines, func(line string) bool { return strings.Contains(line, text) })
		if found < 0 {
			problems = append(problems, world.Failure(fmt.Sprintf("the controller's log contains %q, after the %d texts before it", text, number),
				"no such line", "the controller's log, attached to this step"))
			continue
		}
		lines = lines[found+1:]
	}
	return errors.Join(problems...)
}

// lacks expects that no line has a text. An earlier step has to wait until what comes later is logged.
func (s Source) lacks(ctx context.Context, text string) error {
	log, err := s.controllerLog(ctx, 0)
	if err != nil {
		return err
	}
	for line := range strings.Lines(log) {
		if strings.Contains(line, text) {
			return world.Failure(fmt.Sprintf("the controller's log has no line with %q", text), strings.TrimSpace(line))
		}
	}
	return nil
}

// tableHas expects lines in the controller's routing table; see kubectl.Prints.
func (s Source) tableHas(ctx context.Context, text *godog.DocString) error {
	scenario := world.From(ctx)
	table := ""
	err := scenario.Eventually(ctx, logTimeout, func(ctx context.Context) error {
		var err error
		if table, err = s.routingTable(ctx); err != nil {
			return err
		}
		if missing, ok := kubectl.Prints(table, text.Content); !ok {
			return world.Failure(fmt.Sprintf("the routing table contains, at this point, the line %q", missing), "no such line",
				"the routing table, attached to this step")
		}
		return nil
	})
	scenario.Attach(evidence.Text{Title: "The controller's routing table", Body: table})
	return err
}

// eventSays expects an event on an object in the scenario's namespace whose line contains the text.
func (s Source) eventSays(ctx context.Context, kind, name, text string) error {
	scenario := world.From(ctx)
	namespace := scenario.Namespace.Name
	return scenario.Eventually(ctx, logTimeout, func(ctx context.Context) error {
		events, err := s.Cluster.Events(ctx, namespace)
		if err != nil {
			return err
		}
		for line := range strings.SplitSeq(events, "\n") {
			if strings.Contains(line, "  "+kind+"/"+name+"  ") && strings.Contains(line, text) {
				return nil
			}
		}
		return world.Failure(fmt.Sprintf("an event on %s %s says %q", kind, name, text), events, "kubectl get events -n "+namespace)
	})
}
