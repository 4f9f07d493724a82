// Package inprocess is the test-bed's own controller and proxy in this process, without a cluster. It is the one package of
// the steps that knows them.
package inprocess

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/explain"
	"github.com/ingress-testbed/testbed/controller/translate"
	"github.com/ingress-testbed/testbed/controller/translate/problem"
	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/steps/client"
	"github.com/ingress-testbed/testbed/steps/compare"
	"github.com/ingress-testbed/testbed/steps/compare/derive"
	"github.com/ingress-testbed/testbed/steps/compare/estate"
	"github.com/ingress-testbed/testbed/steps/compare/standin"
	"github.com/ingress-testbed/testbed/steps/replay/send"
)

// Target is the controller in one of its modes. It implements compare.Target.
type Target struct {
	Mode compatibility.Mode
	// Change changes the table before it is served; nil for no change.
	Change func(*route.Table)
	// Break, if it isn't nil, is called when something is sent to an endpoint. The connection fails with the error that it returns.
	Break func() error
}

// Description implements compare.Target.
func (t *Target) Description() string {
	return fmt.Sprintf("the test-bed's controller, --compatibility=%s, in process", t.Mode)
}

// Networks of the clients, parts of the loopback network.
const (
	anywhereNetwork = "127.64.0.0/16"
	allowedNetwork  = "127.65.0.0/16"
	deniedNetwork   = "127.66.0.0/16"
)

// namespace of the stand-ins for what isn't in the cluster.
const namespace = "testbed-stand-ins"

// Begin implements compare.Target.
func (t *Target) Begin(ctx context.Context, e *estate.Estate, clientCertificates []string) (_ compare.Session, err error) {
	made, err := standin.Build(e, standin.Options{
		Namespace: namespace, Allowed: allowedNetwork, Denied: deniedNetwork, ClientCertificates: clientCertificates,
	})
	if err != nil {
		return nil, err
	}
	// The servers live until End.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	group, ctx := errgroup.WithContext(ctx)
	s := &session{standIns: made, cancel: cancel, group: group}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.End(ctx))
		}
	}()
	store := newStore(made)
	network, err := startNetwork(ctx, group, made, store)
	if err != nil {
		return nil, err
	}
	table, refused := admitted(store, t.Mode)
	if t.Change != nil {
		t.Change(table)
	}
	network.broken, s.network = t.Break, network
	server, err := proxy.New(proxy.Config{DialContext: network.dial, Timeouts: proxy.Timeouts{Drain: time.Second}})
	if err != nil {
		return nil, fmt.Errorf("making the proxy: %w", err)
	}
	server.Apply(table) // what can't be compiled is denied
	s.refused = refused
	if t.Change == nil { // the explanation would be that of a table which isn't changed
		s.explainer = sync.OnceValue(func() *explain.Explainer { return newExplainer(store, t.Mode, network, made) })
	}
	s.entry, err = serve(ctx, group, server)
	return s, err
}

// maxRounds bounds how often Ingresses are refused because of what others do.
const maxRounds = 8

// admitted returns the table of the Ingresses that the controller's webhook accepts, and why it refuses the others.
func admitted(store *store, mode compatibility.Mode) (*route.Table, map[string]string) {
	refused := map[string]string{}
	for range maxRounds {
		result := translate.Translate(store.snapshot(mode))
		more := false
		for _, found := range result.Problems {
			if found.Severity != problem.Error || found.Object.Kind != "Ingress" {
				continue
			}
			name := found.Object.Namespace + "/" + found.Object.Name
			if reason, known := refused[name]; known {
				refused[name] = reason + "; " + found.Message
				continue
			}
			refused[name], more = found.Message, true
		}
		if !more {
			return result.Table, refused
		}
		store.remove(refused)
	}
	return translate.Translate(store.snapshot(mode)).Table, refused
}

func serve(ctx context.Context, group *errgroup.Group, server *proxy.Server) (client.Entry, error) {
	var listen net.ListenConfig
	plain, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return client.Entry{}, fmt.Errorf("listening for the proxy: %w", err)
	}
	secure, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return client.Entry{}, errors.Join(fmt.Errorf("listening for the proxy: %w", err), plain.Close())
	}
	group.Go(func() error { return server.Serve(ctx, plain, secure) })
	return client.Entry{HTTP: addrPort(plain), HTTPS: addrPort(secure)}, nil
}

func addrPort(listener net.Listener) netip.AddrPort {
	return netip.MustParseAddrPort(listener.Addr().String())
}

// session implements compare.Session.
type session struct {
	standIns *standin.StandIns
	network  *network
	// explainer is made when it is needed; nil if there is none.
	explainer func() *explain.Explainer
	entry     client.Entry
	refused   map[string]string
	cancel    context.CancelFunc
	group     *errgroup.Group
}

// Client implements compare.Session.
func (s *session) Client(probe *derive.Probe, number int) (*send.Client, error) {
	local := &net.TCPAddr{IP: address(probe.From, number).AsSlice()}
	return &send.Client{
		Dialer: &net.Dialer{LocalAddr: local}, Entry: s.entry, ClientCertificates: s.standIns.Clients, Secrets: s.standIns.Certificates,
	}, nil
}

// address is one of 65,000 of a kind.
func address(from derive.From, number int) netip.Addr {
	network := anywhereNetwork
	switch from {
	case derive.Allowed:
		network = allowedNetwork
	case derive.Denied:
		network = deniedNetwork
	case derive.Anywhere:
	}
	bytes := netip.MustParsePrefix(network).Addr().As4()
	number %= 1 << 16
	bytes[2], bytes[3] = byte(number>>8), byte(number)
	return netip.AddrFrom4(bytes)
}

// Backend implements compare.Session.
func (s *session) Backend(name string) string { return s.standIns.Backend(name) }

// ClientAddresses implements compare.Session.
func (s *session) ClientAddresses(from derive.From, number int) []string {
	return []string{address(from, number).String()}
}

// Refused implements compare.Session.
func (s *session) Refused() map[string]string { return s.refused }

// Notes implements compare.Session.
func (s *session) Notes() []string { return s.standIns.Notes }

// Alive implements compare.Session.
func (s *session) Alive(ctx context.Context) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.entry.HTTP.String())
	if err != nil {
		return fmt.Errorf("connecting to the proxy: %w", err)
	}
	return errors.Join(conn.Close(), s.network.alive(ctx))
}

// End implements compare.Session.
func (s *session) End(context.Context) error {
	s.cancel()
	return s.group.Wait()
}
