package main

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/ingress-testbed/testbed/controller/app"
	"github.com/ingress-testbed/testbed/controller/explain"
)

const explainWithin = 30 * time.Second

func explainCommand() *cobra.Command {
	var port int
	var flags explain.Flags
	command := &cobra.Command{
		Use:   "explain [flags] URL",
		Short: "Explain what the controller on this machine does with a request",
		Long: "Explains a request with the current objects of the controller on this machine: the server and path, what each policy\n" +
			"does, and what the backend receives. Nothing is sent to endpoints: stand-ins answer 200.",
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			ctx, cancel := context.WithTimeout(command.Context(), explainWithin)
			defer cancel()
			explained, err := explain.Fetch(ctx, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), args[0], flags)
			if err != nil {
				return fmt.Errorf("%w; is the controller running, with --status-port %d?", err, port)
			}
			return explained.WriteText(command.OutOrStdout())
		},
	}
	flags.Register(command.Flags())
	command.Flags().IntVar(&port, "status-port", app.Defaults().StatusPort, "the controller's --status-port")
	return command
}
