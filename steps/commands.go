package steps

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cucumber/godog"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/steps/kubectl"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
)

// commands are the steps that run kubectl.
type commands struct {
	*scenario
	line   string
	output kubectl.Output
}

func (c *commands) Definitions() []vocabulary.Definition {
	return []vocabulary.Definition{
		{
			Pattern: `I run "(kubectl .*)"`,
			Example: `I run "kubectl get svc,ep -n ingress -o wide"`,
			Handler: c.run,
		},
		{
			Pattern: `I run "(kubectl .*)" until it prints:`,
			Example: `I run "kubectl describe ingress shop" until it prints:`,
			Handler: c.runUntil,
		},
		{
			Pattern: `it prints:`,
			Example: `it prints:`,
			Handler: func(_ context.Context, text *godog.DocString) error { return c.prints(text.Content) },
		},
		{
			Pattern: `it prints "(.*)"`,
			Example: `it prints "service/ingress-nginx-controller patched"`,
			Handler: func(_ context.Context, text string) error { return c.prints(text) },
		},
		{
			Pattern: `it prints a table with these rows:`,
			Example: `it prints a table with these rows:`,
			Handler: func(_ context.Context, table *godog.Table) error { return c.printsRows(table, false) },
		},
		{
			Pattern: `it prints a table with exactly these rows:`,
			Example: `it prints a table with exactly these rows:`,
			Handler: func(_ context.Context, table *godog.Table) error { return c.printsRows(table, true) },
		},
	}
}

func (c *commands) run(ctx context.Context, line string) error {
	output, err := c.Kubectl.Run(ctx, line)
	c.line, c.output = line, output
	c.show(evidence.Text{Title: line, Body: output.Stdout + output.Stderr})
	if err != nil {
		return err
	}
	if output.ExitCode != 0 {
		return failure("the command succeeds", fmt.Sprintf("exit code %d: %s", output.ExitCode, strings.TrimSpace(output.Stderr)), whereToLook)
	}
	return nil
}

// untilTimeout bounds what is tried again until it is as expected.
const untilTimeout = 30 * time.Second

func (c *commands) runUntil(ctx context.Context, line string, text *godog.DocString) error {
	shown := len(c.evidence)
	return c.eventually(ctx, untilTimeout, func(ctx context.Context) error {
		c.evidence = c.evidence[:shown] // of the attempts only the last is shown
		if err := c.run(ctx, line); err != nil {
			return err
		}
		return c.prints(text.Content)
	})
}

// eventually tries again until there is no error, or gives the last one. What can't be shown is not tried again.
func (s *scenario) eventually(ctx context.Context, limit time.Duration, try func(context.Context) error) error {
	deadline := time.Now().Add(limit)
	for {
		err := try(ctx)
		if err == nil || cantBeShown(err) || time.Now().After(deadline) || ctx.Err() != nil {
			return err
		}
		if pause(ctx, 200*time.Millisecond) != nil {
			return err
		}
	}
}

func (c *commands) prints(text string) error {
	if missing, ok := kubectl.Prints(c.output.Stdout, text); !ok {
		return failure(fmt.Sprintf("%q prints, in its place, the line %q", c.line, missing), c.output.Stdout, whereToLook)
	}
	return nil
}

// printsRows looks each row up in the tables that have its columns. Cells may be patterns. Exactly means that these
// tables have no other rows.
func (c *commands) printsRows(table *godog.Table, exactly bool) error {
	wanted, err := rows(table)
	if err != nil {
		return err
	}
	var columns []string
	for _, cell := range table.Rows[0].Cells {
		columns = append(columns, cell.Value)
	}
	var tableRows []map[string]string
	for _, candidate := range kubectl.Tables(c.output.Stdout) {
		if !slices.ContainsFunc(columns, func(column string) bool { return !slices.Contains(candidate.Columns, column) }) {
			tableRows = append(tableRows, candidate.Rows...)
		}
	}
	for _, row := range wanted {
		found := -1
		for i, candidate := range tableRows {
			equal, err := rowMatches(row, candidate)
			if err != nil {
				return err
			}
			if equal {
				found = i
				break
			}
		}
		if found < 0 {
			return failure(fmt.Sprintf("%q prints a row with %s", c.line, describeRow(columns, row)), c.output.Stdout, whereToLook)
		}
		tableRows = slices.Delete(tableRows, found, found+1) // a row stands for one line only
	}
	if exactly && len(tableRows) > 0 {
		return failure(fmt.Sprintf("%q prints just the %d rows of the table", c.line, len(wanted)), c.output.Stdout, whereToLook)
	}
	return nil
}

func describeRow(columns []string, row map[string]string) string {
	cells := make([]string, 0, len(columns))
	for _, column := range columns {
		cells = append(cells, column+" "+row[column])
	}
	return strings.Join(cells, ", ")
}

func rowMatches(wanted, row map[string]string) (bool, error) {
	for column, value := range wanted {
		equal, err := matches(value, row[column])
		if err != nil || !equal {
			return false, err
		}
	}
	return true, nil
}
