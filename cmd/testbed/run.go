package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/spf13/cobra"

	"github.com/ingress-testbed/testbed/features"
	"github.com/ingress-testbed/testbed/reports"
	"github.com/ingress-testbed/testbed/reports/recorder"
	"github.com/ingress-testbed/testbed/reports/terminal"
	"github.com/ingress-testbed/testbed/steps/definitions"
	"github.com/ingress-testbed/testbed/steps/suite"
)

// inputError is the exit code for what the user can mend by another command line or feature file.
const inputError = exitCode(2)

func newRun() *cobra.Command {
	var name, provider, tags, reportDir string
	var judged judgeFlags
	known := providers(&name)
	cmd := &cobra.Command{
		Use:   "run [FILE|FOLDER|FILE:LINE]...",
		Short: "Run feature files against a cluster and write reports",
		Long: "Runs feature files, by default all that the program brings along, and writes index.html, junit.xml and cucumber.json.\n" +
			"The exit code is 0 only if every selected scenario passed and at least one ran, 2 if nothing was run because of\n" +
			"the command line or a feature file, and 1 otherwise.",
		Example: "  testbed run walkthroughs\n  testbed run --tags '@canary && ~@load' my.feature\n  testbed up && testbed run --name testbed my.feature\n" +
			"  testbed run --cluster kubeconfig --ingress-class traefik --controller-service traefik/traefik conformance",
		RunE: func(cmd *cobra.Command, args []string) error {
			chosen, err := choose(known, provider, cmd)
			if err != nil {
				return fmt.Errorf("%w: %w", suite.ErrInput, err)
			}
			existing, err := judged.existing()
			if err != nil {
				return fmt.Errorf("%w: %w", suite.ErrInput, err)
			}
			source, err := chosen.source(cmd.Context(), cmd.ErrOrStderr(), existing)
			if err != nil {
				return fmt.Errorf("%w: %w", suite.ErrInput, err)
			}
			defer source.close()
			if err := source.judge(existing, judged.settle); err != nil {
				return fmt.Errorf("%w: %w", suite.ErrInput, err)
			}
			return runSuite(cmd.Context(), args, tags, reportDir, source)
		},
	}
	for _, one := range known {
		one.register(cmd)
	}
	cmd.Flags().StringVar(&name, "name", "", "name of the cluster; one that runs already is used and kept (default a new one that ends with the run)")
	cmd.Flags().StringVar(&provider, "cluster", cmp.Or(os.Getenv("CLUSTER"), "embedded"), "where to run: "+names(known))
	judged.register(cmd)
	cmd.Flags().StringVar(&tags, "tags", "", "scenarios to run: `@a` has the tag, ~@a has not, @a,@b either, && both")
	cmd.Flags().StringVar(&reportDir, "reports", "reports/out", "`folder` for the reports")
	return cmd
}

func runSuite(ctx context.Context, args []string, tags, reportDir string, source *clusterSource) error {
	files, paths, err := suite.Locate(args, features.Files())
	if err != nil {
		return err
	}
	progress := terminal.New(os.Stderr, terminal.Detect(os.Stderr, os.Getenv))
	// Whoever writes after it must wait until it has let go of the terminal, and it may be asked to do so twice.
	closeProgress := sync.OnceFunc(func() { progress.Close() })
	defer closeProgress()
	run, err := suite.Run(ctx, suite.Options{
		Title: "Ingress test-bed", Files: files, Paths: paths, Tags: tags,
		NewCluster: source.get, Disposable: source.disposable, Images: source.images, Kubectl: source.kubectl,
		WalkthroughNamespace: source.walkthroughNamespace, Prepare: source.prepare,
		NewController: source.newController, WaitPolicy: source.waitPolicy, ReportDir: reportDir, Listeners: []recorder.Listener{progress},
	})
	if errors.Is(err, suite.ErrInput) {
		return err
	}
	progress.Summary(run, filepath.Join(reportDir, reports.HTMLFile))
	closeProgress()
	if err != nil && err.Error() != run.Problem { // that has been said
		return err
	}
	if !run.Verdict().Passed {
		return exitCode(1)
	}
	return nil
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
