package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"al.essio.dev/pkg/shellescape"
	"github.com/spf13/cobra"

	"github.com/ingress-testbed/testbed/cmd/testbed/target"
	"github.com/ingress-testbed/testbed/features"
	"github.com/ingress-testbed/testbed/reports"
	"github.com/ingress-testbed/testbed/reports/loads"
	"github.com/ingress-testbed/testbed/reports/recorder"
	"github.com/ingress-testbed/testbed/reports/results"
	"github.com/ingress-testbed/testbed/reports/terminal"
	"github.com/ingress-testbed/testbed/steps/definitions"
	"github.com/ingress-testbed/testbed/steps/suite"
)

// inputError is the exit code for an invalid command line or feature file.
const inputError = exitCode(2)

// maxLoadScale bounds the factor of rates.
const maxLoadScale = 1000

func newRun() *cobra.Command {
	var tags, reportDir string
	var parallel, repeat int
	var scale float64
	var inProcess bool
	var load []string
	chosen := target.NewFlags()
	cmd := &cobra.Command{
		Use:   "run [FILE|FOLDER|FILE:LINE]...",
		Short: "Run feature files against a cluster and write reports",
		Long: "Runs feature files, by default all those built into the program, and writes index.html, junit.xml, cucumber.json\n" +
			"and results.json, from which `testbed combine` reads the run. The exit code is 0 only if every selected scenario passed\n" +
			"and at least one ran, 2 if nothing was run because of the command line or a feature file, and 1 otherwise.",
		Example: "  testbed run walkthroughs\n  testbed run --tags '@walkthrough && ~@load' my.feature\n  testbed up && testbed run --name testbed my.feature\n" +
			"  testbed run --cluster kubeconfig --ingress-class traefik --controller-service traefik/traefik conformance",
		RunE: func(cmd *cobra.Command, args []string) error {
			if scale <= 0 || scale > maxLoadScale {
				return refused(cmd, fmt.Errorf("--load-scale is from above 0 to %d, not %g", maxLoadScale, scale))
			}
			if inProcess {
				return runInProcess(cmd.Context(), cmd.OutOrStdout(), args, tags, parallel)
			}
			source, options, err := chosen.Check(cmd)
			if err != nil {
				return err
			}
			defer source.Close() //nolint:errcheck // the next run removes temporary files that are left
			options.LoadScale = scale
			options.Command = shellescape.QuoteCommand(append([]string{filepath.Base(os.Args[0])}, os.Args[1:]...))
			options.Version = version
			options.Tags, options.ReportDir, options.Parallel, options.Repeat = tags, reportDir, parallel, repeat
			options.Images = slices.Concat(options.Images, load)
			return runSuite(cmd.Context(), args, options)
		},
	}
	chosen.Register(cmd)
	cmd.Flags().StringVar(&tags, "tags", "", "scenarios to run: `@a` has the tag, ~@a has not, @a,@b either, && both")
	cmd.Flags().IntVar(&parallel, "parallel", 3*runtime.NumCPU(), "most scenarios that run at the same time; 1 runs one after the other")
	cmd.Flags().IntVar(&repeat, "repeat", 1, "how often each scenario runs, to find those whose result is chance")
	cmd.Flags().Float64Var(&scale, "load-scale", 1, "what the rates of load runs are multiplied by, for machines that carry more or less")
	cmd.Flags().StringArrayVar(&load, "load", nil, "`archive` of an image to load into the cluster first, from docker save; may be repeated")
	cmd.Flags().BoolVar(&inProcess, "in-process", false,
		"run without a cluster, with the test-bed's controller and proxy in this process; lists what that leaves out, writes no report")
	cmd.Flags().StringVar(&reportDir, "reports", "reports/out", "`folder` for the reports")
	return cmd
}

func runSuite(ctx context.Context, args []string, options suite.Options) error {
	var err error
	if options.Files, options.Paths, err = suite.Locate(args, features.Files()); err != nil {
		return err
	}
	progress := terminal.New(os.Stderr, terminal.Detect(os.Stderr, os.Getenv))
	closeProgress := sync.OnceFunc(func() { progress.Close() }) // before anything else is written to the terminal
	defer closeProgress()
	options.Listeners = []recorder.Listener{progress}
	run, err := suite.Run(ctx, options)
	if errors.Is(err, suite.ErrInput) {
		return err
	}
	progress.Summary(run, filepath.Join(options.ReportDir, reports.HTMLFile))
	closeProgress()
	writeLoads(run)
	for _, unsteady := range run.Unsteady() {
		fmt.Fprintln(os.Stderr, "Unsteady:", unsteady)
	}
	if err != nil && err.Error() != run.Error { // the summary has that one
		return err
	}
	if !run.Verdict().Passed {
		return exitCode(1)
	}
	return nil
}

// writeLoads writes a table of the load runs, if there were any.
func writeLoads(run results.Run) {
	scenarios := loads.Of([]loads.Source{{Results: &run}})
	if len(scenarios) == 0 {
		return
	}
	fmt.Fprintln(os.Stderr)
	_ = terminal.WriteTable(os.Stderr, loads.Rows(scenarios, false)) // as all that is written there
	for _, line := range loads.Bottlenecks(scenarios) {
		fmt.Fprintln(os.Stderr, line)
	}
}

func newSteps() *cobra.Command {
	return &cobra.Command{
		Use:   "steps",
		Short: "List the steps that feature files can use, each with an example",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			known, err := definitions.Vocabulary()
			if err != nil {
				return err
			}
			for _, example := range known.Examples() {
				fmt.Fprintln(cmd.OutOrStdout(), example)
			}
			return nil
		},
	}
}
