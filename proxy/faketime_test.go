package proxy_test

import (
	"bufio"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingress-testbed/testbed/internal/memorynet"
	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// bubble is a test in fake time, with a network in memory. Connections to endpoints are not kept there, since they can't
// be looked at without waiting, and clients of HTTP/1.1 that disconnect are not noticed.
type bubble struct {
	*testing.T
	network *memorynet.Network
}

// inFakeTime runs a test in which time passes as soon as all goroutines wait.
func inFakeTime(t *testing.T, test func(b bubble)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		// The clock stops when the test has ended. By then endpoints must have ended that sleep now and then.
		t.Cleanup(func() { time.Sleep(time.Hour) })
		test(bubble{T: t, network: memorynet.New()})
	})
}

// serve runs a proxy until the test ends.
func (b bubble) serve(config proxy.Config, table *route.Table) served {
	b.Helper()
	config.DialContext = b.network.DialContext
	s := serveOn(b, config, table, b.network.Listen(), b.network.Listen())
	s.dialContext = b.network.DialContext
	return s
}

func (b bubble) scripted(answer func(conn net.Conn, in *bufio.Reader)) route.Endpoint {
	b.Helper()
	return scriptedOn(b, b.network.Listen(), answer)
}

// table sends everything to an endpoint of a protocol.
func (b bubble) table(protocol route.Protocol, handler http.HandlerFunc) *route.Table {
	b.Helper()
	if protocol == route.H2C {
		return h2cOn(b, b.network.Listen(), handler)
	}
	return toAll(upstream("u", b.backend(handler)))
}

func (b bubble) backend(handler http.HandlerFunc) route.Endpoint {
	b.Helper()
	server := &http.Server{Handler: handler}
	listener := b.network.Listen()
	go server.Serve(listener)
	b.Cleanup(func() { server.Close() })
	return endpoint(listener.Addr())
}

// dial connects a client that waits for as long as it takes.
func (b bubble) dial(s served) *raw {
	b.Helper()
	c := s.dial(b)
	c.SetDeadline(time.Time{})
	return c
}

// frames connects a client of HTTP/2 that waits for as long as it takes.
func (b bubble) frames(s served) *frames {
	b.Helper()
	f := s.frames(b)
	f.SetDeadline(time.Time{})
	return f
}

// passed fails the test unless a time limit has passed since started, and no more than the quarter that limits of reads
// and writes may last longer.
func (b bubble) passed(what string, started time.Time, limit time.Duration) {
	b.Helper()
	if took := time.Since(started); took < limit || took > limit+limit/4 {
		b.Errorf("%s: took %v, want %v", what, took, limit)
	}
}
