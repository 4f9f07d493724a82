package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/ingress-testbed/testbed/features"
	"github.com/ingress-testbed/testbed/reports/results"
	"github.com/ingress-testbed/testbed/steps/definitions"
	"github.com/ingress-testbed/testbed/steps/inprocess"
	"github.com/ingress-testbed/testbed/steps/suite"
)

// runInProcess runs scenarios without a cluster, and lists those that fail and those that are left out. It writes no report.
func runInProcess(ctx context.Context, out io.Writer, args []string, tags string, parallel int) error {
	files, paths, err := suite.Locate(args, features.Files())
	if err != nil {
		return err
	}
	known, err := definitions.Vocabulary()
	if err != nil {
		return err
	}
	if _, err := suite.NewPlan(suite.Selection{Files: files, Paths: paths, Tags: tags}, known); err != nil {
		return fmt.Errorf("%w: %w", suite.ErrInput, err)
	}
	if len(paths) == 0 {
		paths = []string{"."}
	}
	scenarios, err := inprocess.Scenarios(files, tags, paths...)
	if err != nil {
		return err
	}
	outcomes, err := runEach(ctx, files, tags, scenarios, parallel)
	if err != nil {
		return err
	}
	count := map[results.Status]int{}
	leftOut := map[string][]string{}
	for i, outcome := range outcomes {
		count[outcome.Status]++
		switch outcome.Status {
		case results.Passed:
		case results.Skipped:
			leftOut[outcome.Reason] = append(leftOut[outcome.Reason], scenarios[i].Place())
		default:
			fmt.Fprintf(out, "%s %s\n  %s: %s\n", scenarios[i].Place(), scenarios[i].Name, outcome.Status, strings.ReplaceAll(outcome.Reason, "\n", "\n  "))
		}
	}
	for _, reason := range byPlace(leftOut) {
		fmt.Fprintf(out, "left out: %s\n  %s\n", strings.Join(leftOut[reason], ", "), reason)
	}
	failed := len(scenarios) - count[results.Passed] - count[results.Skipped]
	fmt.Fprintf(out, "%d passed, %d failed, %d left out because they need a cluster\n", count[results.Passed], failed, count[results.Skipped])
	switch {
	case failed > 0:
		return exitCode(1)
	case count[results.Passed] == 0:
		return errors.New("no scenario ran: all that were selected need a cluster")
	}
	return nil
}

func runEach(ctx context.Context, files fs.FS, tags string, scenarios []inprocess.Scenario, parallel int) ([]inprocess.Result, error) {
	outcomes := make([]inprocess.Result, len(scenarios))
	certificate := sync.OnceValues(inprocess.NewCertificate)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(parallel, 1))
	for i, scenario := range scenarios {
		group.Go(func() error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			outcomes[i] = scenario.Run(ctx, files, inprocess.Options{Tags: tags, Certificate: certificate})
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("running scenarios in process: %w", err)
	}
	return outcomes, nil
}

// byPlace returns the reasons in the order of the first scenario of each.
func byPlace(leftOut map[string][]string) []string {
	var reasons []string
	for reason := range leftOut {
		reasons = append(reasons, reason)
	}
	slices.SortFunc(reasons, func(a, b string) int { return cmp.Compare(leftOut[a][0], leftOut[b][0]) })
	return reasons
}
