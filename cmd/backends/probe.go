package main

import (
	"fmt"
	"net"

	"github.com/spf13/cobra"

	"github.com/ingress-testbed/testbed/fixtures/backends"
)

// probe is the command for the server with one more port, which time-outs are tested with.
func probe(shared *settings) *cobra.Command {
	var port uint16
	cmd := &cobra.Command{
		Use:   "probe",
		Short: "Answers for tests of load, time-outs, streams and WebSocket",
		Long: fmt.Sprintf("Answers for tests of load, time-outs, streams and WebSocket. Attempts to connect to port %d are not answered.",
			backends.FullPort),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var listen net.ListenConfig
			full, err := listen.Listen(cmd.Context(), "tcp", fmt.Sprintf(":%d", backends.FullPort))
			if err != nil {
				return fmt.Errorf("port %d can't be opened: %w", backends.FullPort, err)
			}
			defer full.Close()
			if queue, ok := full.(*net.TCPListener); ok {
				if err := backends.Fill(cmd.Context(), queue); err != nil {
					return err
				}
			}
			listener, err := listen.Listen(cmd.Context(), "tcp", fmt.Sprintf(":%d", port))
			if err != nil {
				return fmt.Errorf("the port can't be opened; choose another with --port: %w", err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "probe %s listens on %s\n", shared.hostname, listener.Addr())
			return backends.Serve(cmd.Context(), listener, backends.Probe(shared.hostname), shared.shutdown)
		},
	}
	cmd.Flags().Uint16Var(&port, "port", 8080, "TCP port to listen on")
	return cmd
}
