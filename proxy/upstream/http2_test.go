package upstream

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/ingress-testbed/testbed/proxy/route"
)

// listenHTTP makes a pool of an endpoint of package net/http.
func listenHTTP(t testing.TB, protocol route.Protocol, handler http.HandlerFunc) *Pool {
	t.Helper()
	server := &http.Server{Handler: handler, Protocols: new(http.Protocols)}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	served := make(chan net.Conn)
	listener := &handed{conns: served, closed: make(chan struct{})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		server.Serve(listener)
	}()
	t.Cleanup(func() {
		server.Close()
		<-done
	})
	return listen(t, protocol, func(_ int, conn net.Conn) {
		ended := &endingConn{Conn: conn, ended: make(chan struct{})}
		select {
		case served <- ended:
			<-ended.ended
		case <-listener.closed:
		}
	})
}

// handed is a listener of connections that were accepted elsewhere.
type handed struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l *handed) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *handed) Close() error {
	close(l.closed)
	return nil
}

func (l *handed) Addr() net.Addr { return &net.TCPAddr{} }

// endingConn reports that it was closed.
type endingConn struct {
	net.Conn
	once  sync.Once
	ended chan struct{}
}

func (c *endingConn) Close() error {
	c.once.Do(func() { close(c.ended) })
	return c.Conn.Close()
}

func TestHTTP2(t *testing.T) {
	pool := listenHTTP(t, route.H2C, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Trailer", "T")
		fmt.Fprintf(w, "%s %s %s %s %s %s", r.Proto, r.Method, r.Host, r.RequestURI, r.Header.Get("X"), body)
		w.Header().Set("T", r.Trailer.Get("X-T"))
	})
	for _, c := range []struct{ request, want, trailer string }{
		{"GET /a?b HTTP/1.1\r\nHost: h\r\nX: 1\r\n\r\n", "HTTP/2.0 GET h /a?b 1 ", ""},
		{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", "HTTP/2.0 POST h /  hello", ""},
		{"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n5\r\nhello\r\n0\r\nX-T: v\r\n\r\n",
			"HTTP/2.0 POST h /  hello", "v"},
	} {
		got := do(pool, newCall(t, c.request))
		if got.err != nil || got.status != 200 || got.body != c.want {
			t.Errorf("%q: got %v", c.request, got)
		}
		if len(got.trailers) != 1 || string(got.trailers[0].Value) != c.trailer {
			t.Errorf("%q: trailers %v", c.request, got.trailers)
		}
	}
}

// Bodies larger than the windows of both sides, at the same time.
func TestHTTP2FullDuplex(t *testing.T) {
	pool := listenHTTP(t, route.H2C, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(w, r.Body)
	})
	const pieces, size = 100, 64 << 10
	call := newCall(t, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
	body := &testBody{pieces: make(chan []byte), client: call.Client.(*testClient)}
	call.Body = body
	go func() {
		defer close(body.pieces)
		for i := range pieces {
			body.pieces <- []byte(strings.Repeat(string(rune('a'+i%26)), size))
		}
	}()
	got := do(pool, call)
	if got.err != nil || len(got.body) != pieces*size || call.BytesIn != pieces*size {
		t.Errorf("got %d bytes, %v; sent %d", len(got.body), got.err, call.BytesIn)
	}
	for i := range pieces {
		if c := got.body[i*size]; c != byte('a'+i%26) {
			t.Fatalf("piece %d begins with %q", i, c)
		}
	}
}

func BenchmarkHTTP2(b *testing.B) {
	pool := listenHTTP(b, route.H2C, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "ok")
	})
	call := newCall(b, get)
	b.ReportAllocs()
	for b.Loop() {
		if got := do(pool, call); got.err != nil {
			b.Fatal(got.err)
		}
		call.Begin()
	}
}
