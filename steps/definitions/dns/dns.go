// Package dns defines the step about DNS servers, which answer over UDP.
package dns

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/ingress-testbed/testbed/reports/effect"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
	"github.com/ingress-testbed/testbed/steps/world"
)

const (
	// timeout bounds all queries together, attempt one of them: UDP may lose any.
	timeout = 10 * time.Second
	attempt = 2 * time.Second
)

// Definitions returns the steps.
func Definitions() []vocabulary.Definition {
	return []vocabulary.Definition{{
		Pattern: `the client gets an address for "([^"]*)" from the DNS server "([^"]*)" over UDP`,
		Example: `the client gets an address for "kubernetes.default.svc.cluster.local" from the DNS server "${controller node address}:30053" over UDP`,
		Handler: resolves,
	}}
}

// resolves queries the server from the machine outside the cluster, until it answers.
func resolves(ctx context.Context, name, server string) error {
	session := world.From(ctx).Client.Session()
	defer session.Close()
	var refused error // the server can't be reached from there at all
	resolver := net.Resolver{
		PreferGo: true, StrictErrors: true,
		Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := session.Dial(ctx, "udp", server)
			if err != nil {
				refused = err
			}
			return conn, err
		},
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for {
		addresses, err := lookUp(ctx, &resolver, name)
		switch {
		case err == nil && len(addresses) > 0:
			return nil
		case refused != nil:
			return fmt.Errorf("querying the DNS server %s: %w", server, refused)
		}
		select {
		case <-ctx.Done():
			return world.AnswerFailure(effect.Lost, fmt.Sprintf("an address for %s from the DNS server %s", name, server), fmt.Sprint(err), world.Diagnosis)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func lookUp(ctx context.Context, resolver *net.Resolver, name string) ([]net.IP, error) {
	ctx, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	return resolver.LookupIP(ctx, "ip4", name+".")
}
