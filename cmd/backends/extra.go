package main

import (
	"crypto/tls"
	"fmt"
	"net"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/ingress-testbed/testbed/fixtures/backends"
	"github.com/ingress-testbed/testbed/fixtures/certificates"
)

// extra is the command for the server that also listens for TLS.
func extra(shared *settings) *cobra.Command {
	var port, tlsPort uint16
	cmd := &cobra.Command{
		Use:   "extra",
		Short: "The request as JSON, and answers that it describes, also over TLS",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := extraTLS()
			if err != nil {
				return err
			}
			var listen net.ListenConfig
			plain, err := listen.Listen(cmd.Context(), "tcp", fmt.Sprintf(":%d", port))
			if err != nil {
				return fmt.Errorf("the port can't be opened; choose another with --port: %w", err)
			}
			defer plain.Close()
			secure, err := listen.Listen(cmd.Context(), "tcp", fmt.Sprintf(":%d", tlsPort))
			if err != nil {
				return fmt.Errorf("the port for TLS can't be opened; choose another with --tls-port: %w", err)
			}
			defer secure.Close()
			fmt.Fprintf(cmd.OutOrStdout(), "extra %s listens on %s and, for TLS, on %s\n", shared.hostname, plain.Addr(), secure.Addr())
			handler := backends.Extra(shared.hostname)
			group, ctx := errgroup.WithContext(cmd.Context())
			group.Go(func() error { return backends.Serve(ctx, plain, handler, shared.shutdown) })
			group.Go(func() error { return backends.ServeTLS(ctx, secure, handler, config, shared.shutdown) })
			return group.Wait()
		},
	}
	cmd.Flags().Uint16Var(&port, "port", 8080, "TCP port to listen on")
	cmd.Flags().Uint16Var(&tlsPort, "tls-port", 8443, "TCP port to listen on for TLS")
	return cmd
}

// extraTLS has a self-signed certificate for "extra", and requests one of the client.
func extraTLS() (*tls.Config, error) {
	pair, err := certificates.SelfSigned("extra")
	if err != nil {
		return nil, fmt.Errorf("making a certificate: %w", err)
	}
	certificate, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		return nil, fmt.Errorf("reading the new certificate: %w", err)
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}, ClientAuth: tls.RequestClientCert,
	}, nil
}
