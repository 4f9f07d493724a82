package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cucumber/godog"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/steps/arguments"
	"github.com/ingress-testbed/testbed/steps/kubectl"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
	"github.com/ingress-testbed/testbed/steps/world"
)

// untilTimeout bounds the wait until a command prints what is expected.
const untilTimeout = 30 * time.Second

// kubectlSteps run kubectl and compare what it prints.
type kubectlSteps struct{ program kubectl.Program }

// command is a command line and what it printed.
type command struct {
	line   string
	output kubectl.Output
}

// commandKey is the context key of the last command that a step has run.
type commandKey struct{}

func lastCommand(ctx context.Context) (command, error) {
	last, ok := ctx.Value(commandKey{}).(command)
	if !ok {
		return command{}, errors.New("there is no output: an earlier step must run a command")
	}
	return last, nil
}

func (k kubectlSteps) definitions() []vocabulary.Definition {
	return []vocabulary.Definition{
		{
			Pattern: `I run "(kubectl .*)"`,
			Example: `I run "kubectl get svc,ep -n ingress -o wide"`,
			Handler: k.run,
		},
		{
			Pattern: `I run "(kubectl .*)" until it prints:`,
			Example: `I run "kubectl describe ingress shop" until it prints:`,
			Handler: k.runUntil,
		},
		{
			Pattern: `it prints:`,
			Example: `it prints:`,
			Handler: func(ctx context.Context, text *godog.DocString) error { return prints(ctx, text.Content) },
		},
		{
			Pattern: `it prints "(.*)"`,
			Example: `it prints "service/ingress-nginx-controller patched"`,
			Handler: prints,
		},
		{
			Pattern: `it prints a table with these rows:`,
			Example: `it prints a table with these rows:`,
			Handler: func(ctx context.Context, table *godog.Table) error { return printsRows(ctx, table, false) },
		},
		{
			Pattern: `it prints a table with exactly these rows:`,
			Example: `it prints a table with exactly these rows:`,
			Handler: func(ctx context.Context, table *godog.Table) error { return printsRows(ctx, table, true) },
		},
	}
}

// run runs a command, which must succeed, and stores it in the context.
func (k kubectlSteps) run(ctx context.Context, line string) (context.Context, error) {
	output, err := k.program.Run(ctx, line)
	after := context.WithValue(ctx, commandKey{}, command{line, output})
	world.From(ctx).Attach(evidence.Text{Title: line, Body: output.Stdout + output.Stderr})
	if err != nil {
		return after, err
	}
	if output.ExitCode != 0 {
		return after, world.Failure("the command succeeds", fmt.Sprintf("exit code %d: %s", output.ExitCode, strings.TrimSpace(output.Stderr)), world.Diagnosis)
	}
	return after, nil
}

// runUntil runs a command until it succeeds and prints the text.
func (k kubectlSteps) runUntil(ctx context.Context, line string, text *godog.DocString) (context.Context, error) {
	after := ctx
	err := world.From(ctx).Eventually(ctx, untilTimeout, func(ctx context.Context) error {
		var err error
		if after, err = k.run(ctx, line); err != nil {
			return err
		}
		return prints(after, text.Content)
	})
	return after, err
}

// prints expects lines in the output of the last command; see kubectl.Prints.
func prints(ctx context.Context, text string) error {
	last, err := lastCommand(ctx)
	if err != nil {
		return err
	}
	if missing, ok := kubectl.Prints(last.output.Stdout, text); !ok {
		return world.Failure(fmt.Sprintf("%q prints, at this point, the line %q", last.line, missing), last.output.Stdout, world.Diagnosis)
	}
	return nil
}

// printsRows finds each row in the printed tables that have its columns. Cells may be patterns. With exactly, these
// tables must have no other rows.
func printsRows(ctx context.Context, table *godog.Table, exactly bool) error {
	last, err := lastCommand(ctx)
	if err != nil {
		return err
	}
	expected, err := arguments.AnyRows(table)
	if err != nil {
		return err
	}
	columns := arguments.Columns(table)
	var tableRows []map[string]string
	for _, candidate := range kubectl.Tables(last.output.Stdout) {
		if !slices.ContainsFunc(columns, func(column string) bool { return !slices.Contains(candidate.Columns, column) }) {
			tableRows = append(tableRows, candidate.Rows...)
		}
	}
	missing, others, err := match(expected, tableRows)
	if err != nil {
		return err
	}
	var problems []error
	for _, row := range missing {
		problems = append(problems, world.Failure(fmt.Sprintf("%q prints a row with %s", last.line, describeRow(columns, row)), last.output.Stdout, world.Diagnosis))
	}
	if exactly && len(others) > 0 {
		var unexpected []string
		for _, row := range others {
			unexpected = append(unexpected, describeRow(columns, row))
		}
		problems = append(problems, world.Failure(fmt.Sprintf("%q prints only the %d rows of the table", last.line, len(expected)),
			"also "+strings.Join(unexpected, "; ")+"\n"+last.output.Stdout, world.Diagnosis))
	}
	return errors.Join(problems...)
}

// match pairs each expected row with one printed row, and returns what is left of both.
func match(expected, printed []map[string]string) (missing, others []map[string]string, err error) {
	others = printed
	for _, row := range expected {
		found := -1
		for i, candidate := range others {
			equal, err := rowMatches(row, candidate)
			if err != nil {
				return nil, nil, err
			}
			if equal {
				found = i
				break
			}
		}
		if found < 0 {
			missing = append(missing, row)
			continue
		}
		others = slices.Delete(others, found, found+1)
	}
	return missing, others, nil
}

func describeRow(columns []string, row map[string]string) string {
	cells := make([]string, 0, len(columns))
	for _, column := range columns {
		cells = append(cells, column+" "+row[column])
	}
	return strings.Join(cells, ", ")
}

func rowMatches(expected, row map[string]string) (bool, error) {
	for column, value := range expected {
		equal, err := arguments.Matches(value, row[column])
		if err != nil || !equal {
			return false, err
		}
	}
	return true, nil
}
