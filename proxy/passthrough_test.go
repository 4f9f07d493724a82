package proxy_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/internal/freeport"
	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// TestPassthrough has an endpoint that has a certificate of its own, which clients see if they name its host.
func TestPassthrough(t *testing.T) {
	endpointTLS := httptest.NewTLSServer(named("from the endpoint"))
	t.Cleanup(endpointTLS.Close)
	end := endpoint(endpointTLS.Listener.Addr())
	table := toAll(upstream("u", backend(t, named("through the proxy"))))
	table.Hosts = append(table.Hosts, route.Host{Name: "own.wild.test"}, route.Host{Name: "*.wild.test"}, route.Host{Name: "passed.test"})
	table.Certificates = []route.Certificate{certificate(t, "proxy", nil, []string{"passed.test", "*.wild.test"})}
	table.Passthroughs = []route.Passthrough{
		{Host: "passed.test", Endpoints: []route.Endpoint{end}}, {Host: "*.wild.test", Endpoints: []route.Endpoint{end}},
		{Host: "empty.test"},
	}
	s := serve(t, proxy.Config{}, table)
	issuer := func(name string) string {
		conn, err := tls.Dial("tcp", s.secure, &tls.Config{ServerName: name, InsecureSkipVerify: true})
		if err != nil {
			return "none"
		}
		defer conn.Close()
		if conn.ConnectionState().PeerCertificates[0].Equal(endpointTLS.Certificate()) {
			return "endpoint"
		}
		return "proxy"
	}
	for name, want := range map[string]string{
		"passed.test": "endpoint", "Passed.TEST": "endpoint", "a.wild.test": "endpoint", "own.wild.test": "proxy", "a.b.wild.test": "proxy",
		"other.test": "proxy", "": "proxy", "empty.test": "none",
	} {
		if got := issuer(name); got != want {
			t.Errorf("%q: the certificate is that of %s, want %s", name, got, want)
		}
	}

	// What the proxy serves itself is served as if it had not been read from before, and over HTTP/2.
	client := &http.Client{Transport: &http.Transport{
		ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, s.secure)
		},
	}}
	defer client.CloseIdleConnections()
	for url, want := range map[string]string{
		"https://other.test/": "HTTP/2.0 through the proxy", "https://passed.test/": "HTTP/1.1 from the endpoint",
	} {
		reply, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(reply.Body)
		reply.Body.Close()
		if got := reply.Proto + " " + string(body); got != want {
			t.Errorf("%s: got %q, want %q", url, got, want)
		}
	}
	if got := exchangeRaw(t, s.secure, "GET / HTTP/1.1\r\nHost: passed.test\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 400 ") {
		t.Errorf("plain HTTP on the TLS port: got %.60q", got)
	}

	table = toAll(upstream("u", backend(t, named("through the proxy"))))
	s.Apply(table)
	if got := issuer("passed.test"); got != "proxy" {
		t.Errorf("after the host has left the table, the certificate is that of %s", got)
	}
}

// TestPassthroughIsBoundedInTime closes connections whose handshake doesn't begin, or doesn't go on.
func TestPassthroughIsBoundedInTime(t *testing.T) {
	table := toAll(upstream("u"))
	table.Passthroughs = []route.Passthrough{{Host: "passed.test"}}
	s := serve(t, proxy.Config{Timeouts: proxy.Timeouts{TLSHandshake: 200 * time.Millisecond}}, table)
	for what, sent := range map[string]string{
		"nothing": "", "part of a record": "\x16\x03\x01\x02\x00\x01\x00", "a record, and part of the message": "\x16\x03\x01\x00\x05\x01\x00\xff\x00\x00",
	} {
		conn := s.connect(t, s.secure)
		started := time.Now()
		io.WriteString(conn, sent)
		if n, err := conn.Read(make([]byte, 1)); n > 0 || !errors.Is(err, io.EOF) && !strings.Contains(err.Error(), "reset") {
			t.Errorf("%s: got %d bytes, %v", what, n, err)
		}
		if took := time.Since(started); took < 150*time.Millisecond || took > 10*time.Second {
			t.Errorf("%s: closed after %s", what, took)
		}
	}
}

// TestStreams opens the ports of a table when the proxy serves, and closes them with it.
func TestStreams(t *testing.T) {
	free := freeport.Reserve(t)
	table := toAll(upstream("u"))
	table.Streams = []route.Stream{{Port: free.Port(), Endpoints: []route.Endpoint{backend(t, named("an endpoint"))}}}
	s, stop, ended := start(t, proxy.Config{}, table, listen(t), listen(t))
	at := free.String()
	var got string
	for end := time.Now().Add(10 * time.Second); got == "" && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if reply, err := http.Get("http://" + at); err == nil {
			body, _ := io.ReadAll(reply.Body)
			reply.Body.Close()
			got = string(body)
		}
	}
	if got != "an endpoint" {
		t.Errorf("got %q", got)
	}
	http.DefaultClient.CloseIdleConnections()
	if problems := s.Apply(table); len(problems) > 0 {
		t.Error(problems)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if conn, err := net.Dial("tcp", at); err == nil {
		conn.Close()
		t.Error("the port is still open")
	}
}
