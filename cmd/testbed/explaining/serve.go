package explaining

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/ingress-testbed/testbed/controller/explain/page"
	"github.com/ingress-testbed/testbed/steps/manifests"
	"github.com/ingress-testbed/testbed/steps/suite"
)

// checkLoopback returns an error unless an address is one of the loopback interface: the page is for its user alone.
func checkLoopback(listen string) error {
	address, err := netip.ParseAddrPort(strings.Replace(listen, "localhost:", "127.0.0.1:", 1))
	if err != nil || !address.Addr().IsLoopback() {
		return fmt.Errorf("--listen: %q is not an address and port of the loopback interface, such as 127.0.0.1:8080", listen)
	}
	return nil
}

// page serves the page until the command is interrupted.
func (e *explanation) page(cmd *cobra.Command) error {
	shown, err := page.New()
	if err != nil {
		return err
	}
	if err := e.show(cmd.Context(), shown); err != nil { // a wrong name of a file ends the command
		return err
	}
	listener, err := new(net.ListenConfig).Listen(cmd.Context(), "tcp", e.listen)
	if err != nil {
		return fmt.Errorf("listening for browsers: %w", err)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "http://%s\n", listener.Addr())
	server := &http.Server{Handler: shown, ReadHeaderTimeout: 10 * time.Second}
	group, ctx := errgroup.WithContext(cmd.Context())
	group.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serving the page: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		return server.Close()
	})
	group.Go(func() error {
		return manifests.Watch(ctx, func() error {
			err := e.show(ctx, shown)
			if errors.Is(err, suite.ErrInput) {
				shown.Show(page.State{Problem: err.Error()})
				return nil
			}
			return err
		}, e.files...)
	})
	return group.Wait()
}

// show reads the manifests for the page.
func (e *explanation) show(ctx context.Context, shown *page.Page) error {
	var notes strings.Builder
	explainer, err := e.load(ctx, nil, &notes)
	if err != nil {
		return err
	}
	state := page.State{Explainer: explainer}
	for line := range strings.Lines(notes.String()) {
		state.Notes = append(state.Notes, strings.TrimPrefix(strings.TrimSpace(line), "note: "))
	}
	shown.Show(state)
	return nil
}
