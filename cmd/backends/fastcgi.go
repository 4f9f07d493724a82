package main

import (
	"fmt"
	"net"

	"github.com/spf13/cobra"

	"github.com/ingress-testbed/testbed/fixtures/backends"
)

// fastCGI is the command for the FastCGI application.
func fastCGI(shared *settings) *cobra.Command {
	var port uint16
	cmd := &cobra.Command{
		Use:   "fastcgi",
		Short: "A FastCGI application that describes requests",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var config net.ListenConfig
			listener, err := config.Listen(cmd.Context(), "tcp", fmt.Sprintf(":%d", port))
			if err != nil {
				return fmt.Errorf("the port can't be opened; choose another with --port: %w", err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "fastcgi %s listens on %s\n", shared.hostname, listener.Addr())
			return backends.ServeFastCGI(cmd.Context(), listener, shared.hostname)
		},
	}
	cmd.Flags().Uint16Var(&port, "port", 8080, "TCP port to listen on")
	return cmd
}
