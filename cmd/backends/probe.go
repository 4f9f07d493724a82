package main

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/ingress-testbed/testbed/fixtures/backends"
)

// probe is the command for the server with two more ports, which time-outs are tested with.
func probe(shared *settings) *cobra.Command {
	var port uint16
	cmd := &cobra.Command{
		Use:   "probe",
		Short: "Answers for tests of load, time-outs, streams and WebSocket",
		Long: fmt.Sprintf("Answers for tests of load, time-outs, streams and WebSocket. Attempts to connect to port %d are not answered, and "+
			"nothing is read from connections to port %d.", backends.FullPort, backends.StalledPort),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			full, err := listenTCP(cmd.Context(), backends.FullPort)
			if err != nil {
				return err
			}
			defer func() { _ = full.Close() }() // the program ends
			if err := backends.Fill(cmd.Context(), full); err != nil {
				return err
			}
			stalled, err := listenTCP(cmd.Context(), backends.StalledPort)
			if err != nil {
				return err
			}
			listener, err := new(net.ListenConfig).Listen(cmd.Context(), "tcp", fmt.Sprintf(":%d", port))
			if err != nil {
				return errors.Join(fmt.Errorf("the port can't be opened; choose another with --port: %w", err), stalled.Close())
			}
			fmt.Fprintf(cmd.OutOrStdout(), "probe %s listens on %s\n", shared.hostname, listener.Addr())
			group, ctx := errgroup.WithContext(cmd.Context())
			group.Go(func() error { return backends.Stall(ctx, stalled) })
			group.Go(func() error { return backends.Serve(ctx, listener, backends.Probe(shared.hostname), shared.shutdown) })
			return group.Wait()
		},
	}
	cmd.Flags().Uint16Var(&port, "port", 8080, "TCP port to listen on")
	return cmd
}

// listenTCP opens a port that isn't the server's.
func listenTCP(ctx context.Context, port int) (*net.TCPListener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", fmt.Sprintf(":%d", port))
	if err != nil {
		return nil, fmt.Errorf("port %d can't be opened: %w", port, err)
	}
	tcp, ok := listener.(*net.TCPListener)
	if !ok {
		return nil, errors.Join(fmt.Errorf("port %d is not of TCP but %T", port, listener), listener.Close())
	}
	return tcp, nil
}
