package client_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ingress-testbed/testbed/steps/client"
)

func TestResolve(t *testing.T) {
	var names client.Resolver
	if _, err := names.Resolve("gyull.com:80"); err == nil || !strings.Contains(err.Error(), "hosts file") {
		t.Errorf("an unknown host without a controller gave %v", err)
	}
	names.AddHost(netip.MustParseAddr("3.35.217.39"), "gyull.com", "Test.gyull.com")
	names.SetEntry(client.Entry{HTTP: netip.MustParseAddrPort("192.0.2.1:30080"), HTTPS: netip.MustParseAddrPort("192.0.2.1:30443")})
	for given, want := range map[string]string{
		"gyull.com:30080":     "3.35.217.39:30080",
		"TEST.gyull.com:80":   "3.35.217.39:80",
		"shop.test:80":        "192.0.2.1:30080",
		"shop.test:443":       "192.0.2.1:30443",
		"shop.test:8080":      "192.0.2.1:8080",
		"10.0.0.1:80":         "10.0.0.1:80",
		"[2001:db8::1]:65535": "[2001:db8::1]:65535",
	} {
		got, err := names.Resolve(given)
		if err != nil || got.String() != want {
			t.Errorf("%s is %s, %v; want %s", given, got, err, want)
		}
	}
	for _, broken := range []string{"gyull.com", "gyull.com:", "gyull.com:65536", "gyull.com:http", ":::1"} {
		if got, err := names.Resolve(broken); err == nil {
			t.Errorf("%q gave %s", broken, got)
		}
	}
}

// counting dials a server whatever the address, and remembers the addresses.
type counting struct {
	server  string
	dialled []string
}

func (c *counting) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	c.dialled = append(c.dialled, address)
	return (&net.Dialer{}).DialContext(ctx, network, c.server)
}

func newClient(t *testing.T, server *httptest.Server) (*client.Client, *counting) {
	t.Helper()
	t.Cleanup(server.Close)
	dialer := &counting{server: server.Listener.Addr().String()}
	names := &client.Resolver{}
	names.AddHost(netip.MustParseAddr("3.35.217.39"), "gyull.com")
	return &client.Client{Dialer: dialer, Resolver: names, Header: http.Header{"X-Always": {"1"}}}, dialer
}

func TestRequestsAreLikeThoseOfCurl(t *testing.T) {
	var got *http.Request
	caller, dialer := newClient(t, httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	})))
	exchange, err := caller.Do(t.Context(), client.Request{Method: "GET", URL: "gyull.com:30080/admin", Header: http.Header{"X-Once": {"2"}}})
	if err != nil {
		t.Fatal(err)
	}
	want := http.Header{"Accept": {"*/*"}, "User-Agent": {"ingress-testbed"}, "X-Always": {"1"}, "X-Once": {"2"}}
	if diff := cmp.Diff(want, got.Header); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if got.Host != "gyull.com:30080" || got.Proto != "HTTP/1.1" || got.Close {
		t.Errorf("host %s, %s, close %v", got.Host, got.Proto, got.Close)
	}
	if exchange.Status != http.StatusFound || !exchange.Local.IsValid() || exchange.Took <= 0 {
		t.Errorf("exchange is %+v", exchange)
	}
	if diff := cmp.Diff([]string{"3.35.217.39:30080"}, dialer.dialled); diff != "" {
		t.Errorf("connections (-want +got):\n%s", diff)
	}
	for _, part := range []string{"> GET gyull.com:30080/admin", "> x-once: 2", "< HTTP/1.1 302", "< location: /elsewhere"} {
		if !strings.Contains(exchange.Text(), part) {
			t.Errorf("the text lacks %q:\n%s", part, exchange.Text())
		}
	}
}

func TestConnections(t *testing.T) {
	caller, dialer := newClient(t, httptest.NewServer(http.NotFoundHandler()))
	for range 3 {
		if _, err := caller.Do(t.Context(), client.Request{Method: "GET", URL: "http://gyull.com/"}); err != nil {
			t.Fatal(err)
		}
	}
	if len(dialer.dialled) != 3 {
		t.Errorf("3 requests took %d connections, want one each", len(dialer.dialled))
	}
	session := caller.Session()
	defer session.Close()
	for range 3 {
		if _, err := session.Do(t.Context(), client.Request{Method: "GET", URL: "http://gyull.com/"}); err != nil {
			t.Fatal(err)
		}
	}
	if len(dialer.dialled) != 4 {
		t.Errorf("a session of 3 requests took %d connections, want 1", len(dialer.dialled)-3)
	}
}

func TestTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(r.TLS.ServerName))
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	caller, _ := newClient(t, server)
	exchange, err := caller.Do(t.Context(), client.Request{Method: "GET", URL: "https://gyull.com:30443/"})
	if err != nil {
		t.Fatal(err)
	}
	if exchange.Body != "gyull.com" || exchange.Proto != "HTTP/2.0" || exchange.TLS == nil {
		t.Errorf("got %q over %s, TLS %v", exchange.Body, exchange.Proto, exchange.TLS)
	}
	if !strings.Contains(exchange.Text(), "* certificate of ") {
		t.Errorf("the text lacks the certificate:\n%s", exchange.Text())
	}
}

func TestErrorsNameTheRequest(t *testing.T) {
	caller, _ := newClient(t, httptest.NewServer(http.NotFoundHandler()))
	for url, part := range map[string]string{
		"http://nowhere.test/": "hosts file", "ftp://gyull.com/": "only the schemes http and https", "http://gyull.com:x/": "invalid port",
	} {
		_, err := caller.Do(t.Context(), client.Request{Method: "GET", URL: url})
		if err == nil || !strings.Contains(err.Error(), part) || !strings.Contains(err.Error(), url) {
			t.Errorf("%s: %v, want an error with %q", url, err, part)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := caller.Do(ctx, client.Request{Method: "GET", URL: "http://gyull.com/"}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled request gave %v", err)
	}
}

func TestTextOfBinaryAndLongBodies(t *testing.T) {
	binary := client.Exchange{Status: 200, Body: "\xff\x00"}
	if text := binary.Text(); !strings.Contains(text, "2 bytes that are not text") {
		t.Errorf("text is %q", text)
	}
	long := client.Exchange{Status: 200, Body: strings.Repeat("ü", 10000)}
	if text := long.Text(); len(text) > 10000 || !strings.Contains(text, "bytes more") {
		t.Errorf("a long body is shown in %d bytes", len(text))
	}
}

// Cookies go back to the paths that they are for, beside those of the request itself.
func TestCookiesAreKept(t *testing.T) {
	var got []string
	caller, _ := newClient(t, httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header.Get("Cookie"))
		http.SetCookie(w, &http.Cookie{Name: "at", Value: r.URL.Path[1:], Path: r.URL.Path})
	})))
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	caller.Jar = jar
	for _, request := range []client.Request{
		{URL: "http://gyull.com/one"}, {URL: "http://gyull.com/two"}, {URL: "http://gyull.com/one", Header: http.Header{"Cookie": {"own=1"}}},
	} {
		request.Method = http.MethodGet
		if _, err := caller.Do(t.Context(), request); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"", "", "own=1; at=one"}, got); diff != "" {
		t.Errorf("cookies (-want +got):\n%s", diff)
	}
}
