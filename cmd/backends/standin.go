package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/ingress-testbed/testbed/fixtures/backends"
)

// maxStandInPorts bounds the ports that are listened on.
const maxStandInPorts = 50_000

// standIn is the command for the server that stands in for many Services.
func standIn(shared *settings) *cobra.Command {
	var first, last int
	cmd := &cobra.Command{
		Use:   "standin",
		Short: "The request as JSON, with the port that received it, on many ports, with and without TLS",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if first < 1 || last < first || last > 65535 || last-first >= maxStandInPorts {
				return fmt.Errorf("invalid ports %d to %d: give at most %d from 1 to 65535", first, last, maxStandInPorts)
			}
			config, err := extraTLS()
			if err != nil {
				return err
			}
			var listen net.ListenConfig
			var listeners []net.Listener
			for port := first - 1; port <= last; port++ {
				number := port
				if port < first {
					number = backends.AuthPort
				}
				listener, err := listen.Listen(cmd.Context(), "tcp", fmt.Sprintf(":%d", number))
				if err != nil {
					problems := []error{fmt.Errorf("the port %d can't be opened: %w", number, err)}
					for _, opened := range listeners {
						problems = append(problems, opened.Close())
					}
					return errors.Join(problems...)
				}
				listeners = append(listeners, listener)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "standin %s listens on the ports %d to %d and %d\n", shared.hostname, first, last, backends.AuthPort)
			return backends.ServeEither(cmd.Context(), listeners, backends.StandIn(shared.hostname, localPort), config, shared.shutdown)
		},
	}
	cmd.Flags().IntVar(&first, "first-port", 20000, "first TCP port to listen on")
	cmd.Flags().IntVar(&last, "last-port", 20000, "last TCP port to listen on")
	return cmd
}

// localPort is the port that a request came in at.
func localPort(r *http.Request) int {
	if address, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok {
		return address.Port
	}
	return 0
}
