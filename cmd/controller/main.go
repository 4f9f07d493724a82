// Command controller is the test-bed's ingress controller. Without arguments it runs; `controller dump` prints the
// routing table of one that runs on the same machine.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"k8s.io/klog/v2"
)

// version is set by the linker.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	err := command().ExecuteContext(ctx)
	stop()
	klog.Flush()
	if err != nil {
		fmt.Fprintf(os.Stderr, "controller: %s\n", strings.TrimSpace(err.Error()))
		os.Exit(1)
	}
}

func command() *cobra.Command {
	run := runCommand()
	root := &cobra.Command{
		Use:           "controller",
		Short:         "Ingress controller of the ingress test-bed",
		Args:          noArguments,
		RunE:          run.RunE,
		SilenceErrors: true, // main prints them, in one line
		SilenceUsage:  true,
	}
	root.Flags().AddFlagSet(run.Flags())
	root.SetFlagErrorFunc(func(command *cobra.Command, err error) error {
		return fmt.Errorf("%w; run `%s --help` for the flags", err, command.CommandPath())
	})
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(run, dumpCommand(), explainCommand(), versionCommand())
	return root
}

func noArguments(command *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fmt.Errorf("unknown command %q; run `%s --help` for a list", args[0], command.CommandPath())
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(command.OutOrStdout(), version)
			return err
		},
	}
}
