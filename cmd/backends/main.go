// Command backends runs one of the servers that stand behind an ingress in the test-bed: web, guest, echo, probe, extra
// or standin. It is also a client, for requests from inside the cluster.
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/ingress-testbed/testbed/fixtures/backends"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "backends:", err)
		os.Exit(1)
	}
}

// settings are the flags that all servers share.
type settings struct {
	hostname string
	shutdown backends.Shutdown
}

func command() *cobra.Command {
	var shared settings
	root := &cobra.Command{
		Use:   "backends",
		Short: "Run one of the test-bed's backend servers",
		// Errors are printed by main, in one sentence.
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.CompletionOptions.DisableDefaultCmd = true
	flags := root.PersistentFlags()
	flags.StringVar(&shared.hostname, "hostname", ownName(), "name of this Pod in answers")
	flags.DurationVar(&shared.shutdown.Linger, "linger", 0, "how long new requests are still accepted after SIGTERM")
	flags.DurationVar(&shared.shutdown.Grace, "grace", 20*time.Second, "how long running requests may take after that")

	var version, serverVersion string
	web := server(&shared, "web", "The welcome page of nginx", 80, func() http.Handler { return backends.Web() })
	guest := server(&shared, "guest", "The line of the Kubernetes bootcamp image", 8080, func() http.Handler {
		return backends.Guest(shared.hostname, version)
	})
	guest.Flags().StringVar(&version, "version", "1", "version that the line ends with")
	echo := server(&shared, "echo", "The request described, as by the echoserver image", 8080, func() http.Handler {
		return backends.Echo(shared.hostname, serverVersion)
	})
	echo.Flags().StringVar(&serverVersion, "server-version", backends.EchoServerVersion, "value of server_version=")
	root.AddCommand(web, guest, echo, probe(&shared), fastCGI(&shared), extra(&shared), standIn(&shared), get())
	return root
}

func get() *cobra.Command {
	return &cobra.Command{
		Use:   "get URL",
		Short: "Make a GET request and print the body of the response",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return backends.Get(cmd.Context(), cmd.OutOrStdout(), args[0])
		},
	}
}

func server(shared *settings, name, short string, port uint16, handler func() http.Handler) *cobra.Command {
	var chosen uint16 // its own for each server, as the defaults differ
	sub := &cobra.Command{
		Use:   name,
		Short: short,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var config net.ListenConfig
			listener, err := config.Listen(cmd.Context(), "tcp", fmt.Sprintf(":%d", chosen))
			if err != nil {
				return fmt.Errorf("the port can't be opened; choose another with --port: %w", err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s %s listens on %s\n", name, shared.hostname, listener.Addr())
			return backends.Serve(cmd.Context(), listener, handler(), shared.shutdown)
		},
	}
	sub.Flags().Uint16Var(&chosen, "port", port, "TCP port to listen on")
	return sub
}

// ownName is the name of the pod that this process runs in: Kubernetes makes it the host's name.
func ownName() string {
	if name := os.Getenv("HOSTNAME"); name != "" {
		return name
	}
	name, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return name
}
