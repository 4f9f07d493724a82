package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/clusters/embedded"
	"github.com/ingress-testbed/testbed/features"
	"github.com/ingress-testbed/testbed/reports"
	"github.com/ingress-testbed/testbed/reports/recorder"
	"github.com/ingress-testbed/testbed/reports/terminal"
	"github.com/ingress-testbed/testbed/steps"
	"github.com/ingress-testbed/testbed/steps/suite"
)

// inputError is the exit code for what the user can mend by another command line or feature file.
const inputError = exitCode(2)

func newRun() *cobra.Command {
	var flags clusterFlags
	var provider, tags, reportDir string
	cmd := &cobra.Command{
		Use:   "run [FILE|FOLDER|FILE:LINE]...",
		Short: "Run feature files against a cluster and write reports",
		Long: "Runs feature files, by default all that the program brings along, and writes index.html, junit.xml and cucumber.json.\n" +
			"The exit code is 0 only if every selected scenario passed and at least one ran, 2 if nothing was run because of\n" +
			"the command line or a feature file, and 1 otherwise.",
		Example: "  testbed run walkthroughs\n  testbed run --tags '@canary && ~@load' my.feature\n  testbed up && testbed run --name testbed my.feature",
		RunE: func(cmd *cobra.Command, args []string) error {
			source, err := newSource(provider, &flags, cmd.ErrOrStderr())
			if err != nil {
				return fmt.Errorf("%w: %w", suite.ErrInput, err)
			}
			defer source.close()
			return runSuite(cmd.Context(), args, tags, reportDir, source)
		},
	}
	flags.register(cmd, "")
	cmd.Flags().Lookup("name").Usage = "name of the cluster; one that runs already is used and kept (default a new one that ends with the run)"
	cmd.Flags().StringVar(&provider, "cluster", cmp.Or(os.Getenv("CLUSTER"), "embedded"), "where to run: "+strings.Join(providers(), ", "))
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
		Controller: steps.TestbedController, ReportDir: reportDir, Listeners: []recorder.Listener{progress},
	})
	if errors.Is(err, suite.ErrInput) {
		return err
	}
	progress.Summary(run, filepath.Join(reportDir, reports.HTMLFile))
	closeProgress()
	if err != nil {
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
			words, err := steps.Suite{}.Vocabulary()
			if err != nil {
				return err
			}
			for _, example := range words.Examples() {
				fmt.Fprintln(cmd.OutOrStdout(), example)
			}
			return nil
		},
	}
}

func providers() []string { return []string{"embedded"} }

// clusterSource is where a run's cluster comes from.
type clusterSource struct {
	get func(context.Context) (clusters.Cluster, error)
	// disposable says that the cluster ends with the run.
	disposable bool
	images     []string
	kubectl    []string
	close      func()
}

func newSource(provider string, flags *clusterFlags, progress io.Writer) (*clusterSource, error) {
	if provider != "embedded" {
		return nil, fmt.Errorf("there is no cluster %q: --cluster and CLUSTER take %s", provider, strings.Join(providers(), ", "))
	}
	return embeddedSource(flags, progress)
}

// embeddedSource uses the embedded cluster that is named, if it runs, and otherwise makes one. Its logs are temporary:
// the reports keep them where they matter.
func embeddedSource(flags *clusterFlags, progress io.Writer) (*clusterSource, error) {
	config, err := flags.embedded(progress)
	if err != nil {
		return nil, err
	}
	programs, err := config.Programs()
	if err != nil {
		return nil, err
	}
	source := &clusterSource{images: programs.Images(), kubectl: []string{programs.Kube, "kubectl"}, close: func() {}}
	if config.Name != "" {
		if cluster, err := embedded.Connect(context.Background(), config.Name); err == nil {
			source.get = func(context.Context) (clusters.Cluster, error) { return cluster, nil }
			return source, nil
		}
	}
	config.Name = cmp.Or(config.Name, fmt.Sprintf("run-%d", os.Getpid()))
	if config.Logs == "" {
		if config.Logs, err = os.MkdirTemp("", "testbed-logs-"); err != nil {
			return nil, fmt.Errorf("making a folder for logs: %w", err)
		}
		source.close = func() { os.RemoveAll(config.Logs) } //nolint:errcheck // temporary files
	}
	source.disposable = true
	source.get = func(ctx context.Context) (clusters.Cluster, error) {
		fmt.Fprintf(progress, "Starting a cluster (about 10 s)\n")
		start := time.Now()
		cluster, err := embedded.Create(ctx, config)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(progress, "  Kubernetes %s with %d nodes, after %.1f s\n\n",
			cluster.Version(), len(config.Network.WithDefaults().Nodes), time.Since(start).Seconds())
		return cluster, nil
	}
	return source, nil
}
