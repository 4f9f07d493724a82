// Command testbed shows what an ingress does to a request: it starts clusters, runs feature files against them and
// writes reports.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"helm.sh/helm/v4/pkg/kube"

	"github.com/ingress-testbed/testbed/cmd/testbed/comparing"
	"github.com/ingress-testbed/testbed/cmd/testbed/explaining"
	"github.com/ingress-testbed/testbed/cmd/testbed/replaying"
	"github.com/ingress-testbed/testbed/fixtures/charts/release"
	"github.com/ingress-testbed/testbed/steps/suite"
)

// version is set by the linker (see the Makefile).
var version = "dev"

func main() {
	os.Exit(run(os.Args[1:]))
}

// run runs one of the embedded cluster's own processes, if the arguments say so, or else a command of the user.
func run(args []string) int {
	if code, done := runInternal(args); done {
		return code
	}
	kube.ManagedFieldsManager = release.FieldManager
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the second Ctrl-C ends this process at once
	root := newRoot()
	began := markBegin(root)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err != nil && !*began && !errors.Is(err, suite.ErrInput) {
		err = usageError(cmd, err)
	}
	var code exitCode
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	default:
		fmt.Fprintf(os.Stderr, "testbed: %s\n", describe(err))
		if errors.Is(err, suite.ErrInput) {
			return int(inputError)
		}
		return 1
	}
}

// usageError is an error about the command line.
func usageError(cmd *cobra.Command, err error) error {
	text, suggestions, found := strings.Cut(err.Error(), "\n\nDid you mean this?\n")
	if found {
		text += "; did you mean " + strings.Join(strings.Fields(suggestions), " or ") + "?"
	}
	return fmt.Errorf("%w: %s; see `%s --help`", suite.ErrInput, text, cmd.CommandPath())
}

// describe returns the text of an error. What is wrong comes first, and that nothing was run comes last.
func describe(err error) string {
	nothing := suite.ErrInput.Error()
	text, found := strings.CutPrefix(err.Error(), nothing+": ")
	switch {
	case !found:
		return text
	case strings.Contains(text, "\n"):
		return strings.TrimRight(text, "\n") + "\n" + nothing
	}
	return text + "; " + nothing
}

// markBegin distinguishes errors of a command that was started from those of an invalid command line: an unknown command,
// arguments that it doesn't take, missing flags. cobra's errors about those have no type.
func markBegin(cmd *cobra.Command) *bool {
	began := new(bool)
	var mark func(*cobra.Command)
	mark = func(cmd *cobra.Command) {
		if inner := cmd.RunE; inner != nil {
			cmd.RunE = func(cmd *cobra.Command, args []string) error {
				*began = true
				return inner(cmd, args)
			}
		}
		for _, child := range cmd.Commands() {
			mark(child)
		}
	}
	mark(cmd)
	return began
}

// exitCode ends the process without another message.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "testbed",
		Short: "See what an ingress does to a request",
		Long: "Runs feature files about ingress controllers on a real Kubernetes and reports what happened to the traffic.\n" +
			"The embedded cluster needs Linux and nft, nothing else.",
		Version:       version,
		SilenceErrors: true, // main prints them
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(usageError)
	exit := func(code int) error { return exitCode(code) }
	root.AddCommand(
		newRun(), newInit(), replaying.NewReplay(exit), replaying.NewRecord(), comparing.New(exit), newCombine(), explaining.New(), newSteps(),
		newUp(), newDown(), newList(), newShell(), newKubectl(), newKubeconfig(), newLoad(), newBuildImage(), newCapture(), newCleanup(),
		newInstall(), newUninstall(), newManifests(),
	)
	return root
}
