package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ingress-testbed/testbed/fixtures/starter"
	"github.com/ingress-testbed/testbed/steps/suite"
)

func newInit() *cobra.Command {
	return &cobra.Command{
		Use:   "init FOLDER",
		Short: "Write a first feature file, its manifest and a workflow for GitHub into a folder",
		Long: "Writes a feature file, the objects that it needs, and a workflow that runs it on GitHub, as a start for your own.\n" +
			"No file is overwritten: if one of them exists, nothing is written.",
		Example: "  testbed init . && testbed run features",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := starter.Write(args[0], version); err != nil {
				return fmt.Errorf("%w: %w", suite.ErrInput, err)
			}
			printNext(cmd.OutOrStdout(), calledAs(os.Args[0]), args[0])
			return nil
		},
	}
}

func printNext(out io.Writer, program, folder string) {
	run := program + " run " + filepath.Join(folder, filepath.Dir(starter.Feature))
	steps := program + " steps"
	fmt.Fprintf(out, `Written to %s:
  %-30s what is expected of the ingress
  %-30s the objects that are served
  %-30s runs the feature files on GitHub

Next:
  %s  run it: a cluster, real traffic, a report
  %-*s  list the steps that feature files can use
`, folder, starter.Feature, starter.Manifest, starter.Workflow, run, len(run), steps)
}
