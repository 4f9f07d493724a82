// Package proxytest breaks a proxy on purpose, so that a test can show that it would fail. The proxy has no code for this: a
// mutation changes the table before it is applied, or the bytes of requests on their way in or out.
//
//	for _, m := range proxytest.Mutations() {
//		server, err := proxy.New(m.Config(proxy.Config{}))
//		server.Apply(m.Table(table))
//		server.Serve(ctx, m.Listener(listener, table), nil)
//		// the scenarios of m.Breaks must fail, all others pass
//	}
package proxytest

import (
	"context"
	"net"

	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Subject is what a mutation breaks.
type Subject string

// The subjects of the mutations.
const (
	Routing       Subject = "routing"
	Distribution  Subject = "distribution"
	SourceAddress Subject = "source address"
	Canary        Subject = "canary"
	TLS           Subject = "TLS"
)

// Mutation is one fault. Its methods return what they are given where the fault lies elsewhere.
type Mutation struct {
	Name   string
	Breaks Subject

	table   func(*route.Table)                                     // changes a copy
	inward  func(table *route.Table, head []byte) (changed []byte) // a request's header as the client sent it
	outward func(head []byte) (changed []byte)                     // a request's header as the endpoint gets it
}

// Table returns the table that the broken proxy is to serve; the one given stays as it is.
func (m Mutation) Table(table *route.Table) *route.Table {
	if m.table == nil {
		return table
	}
	changed := clone(table)
	m.table(changed)
	return changed
}

// Config returns the configuration of the broken proxy.
func (m Mutation) Config(config proxy.Config) proxy.Config {
	if m.outward == nil {
		return config
	}
	dial := config.DialContext
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	config.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		connection, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &rewrittenWrites{Conn: connection, rewrite: m.outward}, nil
	}
	return config
}

// Listener returns the plain-text listener of the broken proxy. The table is the unbroken one.
func (m Mutation) Listener(listener net.Listener, table *route.Table) net.Listener {
	if m.inward == nil {
		return listener
	}
	return rewritingListener{Listener: listener, rewrite: func(head []byte) []byte { return m.inward(table, head) }}
}
