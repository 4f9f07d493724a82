package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// raw is a client that writes what it likes.
type raw struct {
	net.Conn
	in *bufio.Reader
	t  testing.TB
}

func (s served) dial(t testing.TB) *raw {
	t.Helper()
	conn := s.connect(t, s.plain)
	return &raw{Conn: conn, in: bufio.NewReader(conn), t: t}
}

func (r *raw) send(format string, args ...any) {
	r.t.Helper()
	if _, err := fmt.Fprintf(r, format, args...); err != nil {
		r.t.Fatal(err)
	}
}

// reply reads one reply to a request with that method.
func (r *raw) reply(method string) (*http.Response, string) {
	r.t.Helper()
	reply, err := http.ReadResponse(r.in, &http.Request{Method: method})
	if err != nil {
		r.t.Fatalf("reading the reply: %v", err)
	}
	if reply.StatusCode < 200 {
		return reply, ""
	}
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		r.t.Fatalf("reading the body: %v", err)
	}
	return reply, string(body)
}

// ended fails the test unless the proxy has closed the connection.
func (r *raw) ended() {
	r.t.Helper()
	if rest, err := io.ReadAll(r.in); err != nil || len(rest) > 0 {
		r.t.Errorf("the connection was not closed: %q, %v", rest, err)
	}
}

// one serves a table with one route to one endpoint.
func one(t testing.TB, config proxy.Config, handler http.HandlerFunc) served {
	t.Helper()
	return serve(t, config, toAll(upstream("u", backend(t, handler))))
}

// toAll is a table that sends everything to one upstream.
func toAll(u route.Upstream) *route.Table {
	return &route.Table{Hosts: []route.Host{host("", prefix("/", u.Name))}, Upstreams: []route.Upstream{u}}
}

// scripted is an endpoint that answers each connection with a function.
func scripted(t testing.TB, answer func(conn net.Conn, in *bufio.Reader)) route.Endpoint {
	t.Helper()
	return scriptedOn(t, listen(t), answer)
}

// scriptedOn is scripted with a listener.
func scriptedOn(t testing.TB, listener net.Listener, answer func(conn net.Conn, in *bufio.Reader)) route.Endpoint {
	t.Helper()
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				answer(conn, bufio.NewReader(conn))
			}()
		}
	}()
	return endpoint(listener.Addr())
}

// readHead reads a header and returns it.
func readHead(in *bufio.Reader) string {
	var head strings.Builder
	for {
		line, err := in.ReadString('\n')
		head.WriteString(line)
		if err != nil || line == "\r\n" {
			return head.String()
		}
	}
}
