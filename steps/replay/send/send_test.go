package send_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ingress-testbed/testbed/fixtures/backends"
	"github.com/ingress-testbed/testbed/steps/client"
	"github.com/ingress-testbed/testbed/steps/replay/record"
	"github.com/ingress-testbed/testbed/steps/replay/send"
)

func addrPort(t *testing.T, address net.Addr) netip.AddrPort {
	t.Helper()
	return address.(*net.TCPAddr).AddrPort()
}

// toServer is a client of a server with a handler, over plain text and TLS.
func toServer(t *testing.T, handler http.Handler) *send.Client {
	t.Helper()
	plain := httptest.NewServer(handler)
	secure := httptest.NewUnstartedServer(handler)
	secure.EnableHTTP2 = true
	secure.TLS = &tls.Config{NextProtos: []string{"h2", "http/1.1"}}
	secure.StartTLS()
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	return &send.Client{Dialer: &net.Dialer{}, Secrets: []string{"cert"}, Entry: client.Entry{
		HTTP: addrPort(t, plain.Listener.Addr()), HTTPS: addrPort(t, secure.Listener.Addr()),
	}}
}

// toBytes is a client of a server that reads a request's header and writes bytes, then closes the connection.
func toBytes(t *testing.T, answer string) (*send.Client, <-chan string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	received := make(chan string, 10)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			var head strings.Builder
			reader := bufio.NewReader(conn)
			for !strings.HasSuffix(head.String(), "\r\n\r\n") {
				line, err := reader.ReadString('\n')
				if err != nil {
					break
				}
				head.WriteString(line)
			}
			received <- head.String()
			io.WriteString(conn, answer)
			conn.Close()
		}
	}()
	return &send.Client{Dialer: &net.Dialer{}, Entry: client.Entry{HTTP: addrPort(t, listener.Addr())}}, received
}

func do(t *testing.T, c *send.Client, request record.Request) []record.Answer {
	t.Helper()
	exchanges, err := c.Do(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	var answers []record.Answer
	for _, exchange := range exchanges {
		answers = append(answers, exchange.Answer)
	}
	return answers
}

// What is sent is what the record says, byte by byte.
func TestBytes(t *testing.T) {
	t.Parallel()
	const head = "HTTP/1.1 204 No Content\r\n\r\n"
	for want, request := range map[string]record.Request{
		"GET /a%2Fb HTTP/1.1\r\nHost: A.test\r\nUser-Agent: probe\r\nAccept: */*\r\nx-a:1\r\n\r\n": {Target: "/a%2Fb", Host: "A.test", Headers: []string{"x-a:1"}},
		"get http://b.test/ HTTP/1.0\r\nUser-Agent: probe\r\nAccept: */*\r\n\r\n":                  {Method: "get", Target: "http://b.test/", Version: "HTTP/1.0"},
		"GET / HTTP/1.1\r\nA: b\r\n\r\n": {Target: "/", OnlyHeaders: []string{"A: b"}},
		"PUT / HTTP/1.1\r\nHost: a\r\nUser-Agent: probe\r\nAccept: */*\r\nContent-Length: 3\r\n\r\n":          {Method: "PUT", Target: "/", Host: "a", Body: "abc"},
		"PUT / HTTP/1.1\r\nHost: a\r\nUser-Agent: probe\r\nAccept: */*\r\ntransfer-encoding: chunked\r\n\r\n": {Method: "PUT", Target: "/", Host: "a", Body: "0\r\n\r\n", Headers: []string{"transfer-encoding: chunked"}},
		"\xa5\x00\r\n\r\n": {Raw: "¥\x00\r\n\r\n"},
	} {
		c, received := toBytes(t, head)
		answers := do(t, c, request)
		if got := <-received; got != want {
			t.Errorf("%q was sent, want %q", got, want)
		}
		if len(answers) != 1 || answers[0].Status != 204 {
			t.Errorf("answers %+v", answers)
		}
	}
}

// Failures of a connection are answers.
func TestFailures(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]record.Answer{
		"":          {Error: record.ErrorClosed},
		"hello\r\n": {Error: record.ErrorMalformed},
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc":                                             {Status: 200, Error: record.ErrorCutOff, Body: "abc"},
		"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na": {Status: 200, Body: "a"},
		"HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\nServer: x\r\n\r\na":                           {Status: 404, Headers: map[string]record.Values{"Server": {"x"}}},
	} {
		c, _ := toBytes(t, answer)
		if got := do(t, c, record.Request{Target: "/", Host: "a.test"}); !cmp.Equal(got, []record.Answer{want}) {
			t.Errorf("%q: %s", answer, cmp.Diff([]record.Answer{want}, got))
		}
	}
	unreachable := &send.Client{Dialer: &net.Dialer{}, Entry: client.Entry{HTTP: netip.MustParseAddrPort("127.0.0.1:9")}}
	if got := do(t, unreachable, record.Request{Target: "/"}); got[0].Error != record.ErrorConnect {
		t.Errorf("%+v", got)
	}
	plain := toServer(t, http.NotFoundHandler())
	plain.Entry.HTTPS = plain.Entry.HTTP
	if got := do(t, plain, record.Request{Target: "/", HTTPS: true}); got[0].Error != record.ErrorHandshake {
		t.Errorf("TLS to a port without: %+v", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := unreachable.Do(ctx, record.Request{Target: "/"}); err == nil {
		t.Error("an interrupted request gives no error")
	}
}

func TestBackendsAreRecognized(t *testing.T) {
	t.Parallel()
	request := record.Request{Target: "/p?q=1", Host: "a.test", Method: "POST", Body: "abc"}
	headers := map[string]record.Values{
		"accept": {"*/*"}, "content-length": {"3"}, "host": {"a.test"}, "user-agent": {"probe"},
	}
	for name, c := range map[string]struct {
		handler http.Handler
		want    record.Answer
	}{
		"echo": {backends.Echo("pod", "a"), record.Answer{
			Status: 200, Backend: "a", Saw: &record.Seen{Method: "POST", Target: "/p?q=1", Version: "HTTP/1.1", Headers: headers, Body: "abc"},
		}},
		"extra": {backends.Extra("extra-1-2"), record.Answer{
			Status: 200, Backend: "extra", Saw: &record.Seen{Method: "POST", Target: "/p?q=1", Version: "HTTP/1.1", Headers: headers, BodyBytes: 3},
		}},
		"probe": {backends.Probe("probe-1-2"), record.Answer{
			Status: 404, Backend: "probe", Body: "404 page not found\n", Headers: map[string]record.Values{"X-Content-Type-Options": {"nosniff"}},
		}},
	} {
		if got := do(t, toServer(t, c.handler), request)[0]; !cmp.Equal(c.want, got) {
			t.Errorf("%s: %s", name, cmp.Diff(c.want, got))
		}
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	c := toServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "%s %s", r.Proto, r.TLS.ServerName) }))
	for name, want := range map[string]struct {
		request record.Request
		answer  record.Answer
	}{
		"HTTP/1.1": {record.Request{HTTPS: true, Host: "a.test:443"}, record.Answer{
			Status: 200, Body: "HTTP/1.1 a.test", TLS: &record.TLS{Version: "TLS 1.3", ALPN: "http/1.1", Certificate: "default"},
		}},
		"HTTP/2": {record.Request{HTTPS: true, HTTP2: true, Host: "a.test"}, record.Answer{
			Status: 200, Version: "HTTP/2.0", Body: "HTTP/2.0 a.test", TLS: &record.TLS{Version: "TLS 1.3", ALPN: "h2", Certificate: "default"},
		}},
		"another server name": {record.Request{HTTPS: true, Host: "a.test", ServerName: "b.test", MaxTLS: "TLS 1.2"}, record.Answer{
			Status: 200, Body: "HTTP/1.1 b.test", TLS: &record.TLS{Version: "TLS 1.2", ALPN: "http/1.1", Certificate: "default"},
		}},
		"no server name": {record.Request{HTTPS: true, Host: "a.test", ServerName: "none"}, record.Answer{
			Status: 200, Body: "HTTP/1.1 ", TLS: &record.TLS{Version: "TLS 1.3", ALPN: "http/1.1", Certificate: "default"},
		}},
		"TLS 1.1": {record.Request{HTTPS: true, Host: "a.test", MaxTLS: "TLS 1.1"}, record.Answer{Error: record.ErrorHandshake}},
	} {
		want.request.Target = "/"
		if got := do(t, c, want.request)[0]; !cmp.Equal(want.answer, got) {
			t.Errorf("%s: %s", name, cmp.Diff(want.answer, got))
		}
	}
}

func TestClientCertificates(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, len(r.TLS.PeerCertificates))
	}))
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	server.StartTLS()
	t.Cleanup(server.Close)
	c := &send.Client{
		Dialer: &net.Dialer{}, Entry: client.Entry{HTTPS: addrPort(t, server.Listener.Addr())},
		ClientCertificates: map[string]tls.Certificate{"alice": server.TLS.Certificates[0]},
	}
	for name, want := range map[string]string{"alice": "1", "": "0"} {
		if got := do(t, c, record.Request{Target: "/", Host: "a.test", HTTPS: true, ClientCertificate: name})[0]; got.Body != want {
			t.Errorf("%q: %+v, want %s certificates", name, got, want)
		}
	}
}

func TestCookiesAndConnectionsAreKeptIfTheRequestSaysSo(t *testing.T) {
	t.Parallel()
	c := toServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "s", Value: "1"})
		fmt.Fprintf(w, "%s %s", r.RemoteAddr, r.Header.Get("Cookie"))
	}))
	for _, kept := range []bool{true, false} {
		answers := do(t, c, record.Request{Target: "/", Host: "a", Times: 3, KeepCookies: kept, SameConnection: kept})
		first, _, _ := strings.Cut(answers[0].Body, " ")
		for i, answer := range answers[1:] {
			address, cookies, _ := strings.Cut(answer.Body, " ")
			if (address == first) != kept || (cookies == "s=1") != kept {
				t.Errorf("kept: %v: answer %d is %q, the first %q", kept, i+2, answer.Body, answers[0].Body)
			}
		}
	}
}

func TestWebSocket(t *testing.T) {
	t.Parallel()
	request := record.Request{Target: "/websocket", Host: "a.test", WebSocket: "hello", Headers: []string{
		"Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13",
	}}
	got := do(t, toServer(t, backends.Probe("probe")), request)[0]
	if got.Status != 101 || got.WebSocket != "hello" || got.Error != "" {
		t.Errorf("%+v", got)
	}
	for answer, want := range map[string]record.Error{
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n":           record.ErrorClosed,
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x88\x00":   record.ErrorMalformed,
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x05he": record.ErrorClosed,
	} {
		c, _ := toBytes(t, answer)
		if got := do(t, c, request)[0]; got.Error != want {
			t.Errorf("%q: %+v, want the error %q", answer, got, want)
		}
	}
}

// Whatever a backend answers can be described.
func FuzzDescribe(f *testing.F) {
	f.Add([]byte(`{"who":"extra-1","method":"GET","uri":"/","headers":{"A":["1"]},"body":3}`), "gzip")
	f.Add([]byte("\n\nHostname: a\n\nServer values:\n\tserver_version=a\n"), "")
	f.Fuzz(func(t *testing.T, body []byte, coding string) {
		response := &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Encoding": {coding}, "Date": {"now"}}}
		answer := send.Describe(response, body)
		if answer.Status != 200 || answer.Headers["Date"] != nil {
			t.Errorf("%+v", answer)
		}
		if _, err := record.Encode(answer); err != nil {
			t.Errorf("the answer can't be written: %v", err)
		}
	})
}

// A context that ends while the answer comes interrupts the request, whether its connection is closed already or not.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	end := make(chan context.CancelCauseFunc, 1)
	clients := toServer(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { go (<-end)(errInterrupted) }))
	for range 300 {
		ctx, cancel := context.WithCancelCause(t.Context())
		end <- cancel
		if _, err := clients.Do(ctx, record.Request{Target: "/", Host: "a.test"}); err != nil && !errors.Is(err, errInterrupted) {
			t.Fatal(err)
		}
		cancel(nil)
	}
}

var errInterrupted = errors.New("interrupted by the test")
