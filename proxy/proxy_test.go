package proxy_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// served is a running proxy.
type served struct {
	*proxy.Server
	plain, secure string // addresses
	// dialContext connects to the proxy.
	dialContext func(ctx context.Context, network, address string) (net.Conn, error)
}

// serve runs a proxy on loopback until the test ends, and fails the test if it doesn't stop.
func serve(t testing.TB, config proxy.Config, table *route.Table) served {
	t.Helper()
	return serveOn(t, config, table, listen(t), listen(t))
}

// serveOn is serve with listeners.
func serveOn(t testing.TB, config proxy.Config, table *route.Table, plain, secure net.Listener) served {
	t.Helper()
	s, stop, ended := start(t, config, table, plain, secure)
	t.Cleanup(func() {
		stop()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Serve: %v", err)
			}
		case <-time.After(20 * time.Second):
			t.Error("Serve did not return")
		}
	})
	return s
}

// start runs a proxy until stop. What Serve then returns comes on ended.
func start(t testing.TB, config proxy.Config, table *route.Table, plain, secure net.Listener) (s served, stop func(), ended <-chan error) {
	t.Helper()
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	server, err := proxy.New(config)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range server.Apply(table) {
		t.Errorf("Apply: %v", problem)
	}
	s = served{Server: server, plain: plain.Addr().String(), dialContext: new(net.Dialer).DialContext}
	if secure != nil {
		s.secure = secure.Addr().String()
	}
	ctx, stop := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() { result <- server.Serve(ctx, plain, secure) }()
	return s, stop, result
}

// connect connects to an address of the proxy, until the test ends. Reads and writes of the result fail after a while.
func (s served) connect(t testing.TB, address string) net.Conn {
	t.Helper()
	conn, err := s.dialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(deadlineOfClients())
	return conn
}

// clientLimit is how long the clients of these tests wait for what must come at once.
const clientLimit = 20 * time.Second

func deadlineOfClients() time.Time { return time.Now().Add(clientLimit) }

func listen(t testing.TB) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

// backend runs an HTTP server until the test ends and returns it as an endpoint.
func backend(t testing.TB, handler http.HandlerFunc) route.Endpoint {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return endpoint(server.Listener.Addr())
}

func endpoint(address net.Addr) route.Endpoint {
	return route.Endpoint{Address: netip.MustParseAddrPort(address.String())}
}

// named answers with its name.
func named(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, name) }
}

// get sends a GET for a host and returns status code, body and header.
func (s served) get(t testing.TB, url string, header ...string) (int, string, http.Header) {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Add(header[i], header[i+1])
	}
	reply, err := s.client(t).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply.StatusCode, string(body), reply.Header
}

// client connects to the proxy whatever host a URL names, and follows no redirect.
func (s served) client(t testing.TB) *http.Client {
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			to := s.plain
			if strings.HasSuffix(address, ":443") {
				to = s.secure
			}
			return s.dialContext(ctx, network, to)
		},
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
		ForceAttemptHTTP2: true,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: clientLimit, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
}

func prefix(path, upstream string) route.Route {
	return route.Route{Match: route.PrefixPath(path), Action: route.To(upstream)}
}

func host(name string, routes ...route.Route) route.Host {
	return route.Host{Name: name, Routes: routes}
}

func upstream(name string, endpoints ...route.Endpoint) route.Upstream {
	return route.Upstream{Name: name, Endpoints: endpoints}
}

func TestRouting(t *testing.T) {
	all, exact, wild, admin, dangling := "all", "exact", "wild", "admin", "missing"
	exactRoute := route.Route{Match: route.ExactPath("/admin"), Action: route.To(exact)}
	table := &route.Table{
		Hosts: []route.Host{
			host("", prefix("/", all), prefix("/admin", admin), prefix("/none", dangling), prefix("/empty", "empty")),
			host("gyull.com", prefix("/", all), exactRoute, prefix("/admin/", admin)),
			host("*.gyull.com", prefix("/wild", wild)),
		},
		Upstreams: []route.Upstream{upstream("empty")},
	}
	for _, name := range []string{all, exact, wild, admin} {
		table.Upstreams = append(table.Upstreams, upstream(name, backend(t, named(name))))
	}
	s := serve(t, proxy.Config{}, table)
	for _, c := range []struct {
		url  string
		code int
		body string
	}{
		{"http://1.2.3.4/", 200, all},
		{"http://1.2.3.4:30080/admin", 200, admin},
		{"http://1.2.3.4/admin/x", 200, admin},
		{"http://1.2.3.4/adminx", 200, all},
		{"http://1.2.3.4/x/../admin", 200, admin},
		{"http://1.2.3.4/%61dmin", 200, admin},
		{"http://1.2.3.4/none", 503, ""},
		{"http://1.2.3.4/empty", 503, ""},
		{"http://gyull.com/admin", 200, exact},
		{"http://GYULL.com/admin/", 200, admin},
		{"http://gyull.com/", 200, all},
		{"http://a.gyull.com/wild/x", 200, wild},
		{"http://a.gyull.com/", 404, ""},
		{"http://a.b.gyull.com/wild", 200, all},
		{"https://gyull.com/admin/x", 200, admin},
	} {
		code, body, _ := s.get(t, c.url)
		if code != c.code || (c.body != "" && body != c.body) {
			t.Errorf("%s: got %d %q, want %d %q", c.url, code, body, c.code, c.body)
		}
	}
}

func TestRoundRobinIsExactOverConcurrentConnections(t *testing.T) {
	var mu sync.Mutex
	counts := map[string]int{}
	var endpoints []route.Endpoint
	for _, name := range []string{"a", "b", "c"} {
		endpoints = append(endpoints, backend(t, func(http.ResponseWriter, *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			counts[name]++
		}))
	}
	table := func() *route.Table {
		return &route.Table{
			Hosts:     []route.Host{host("", prefix("/", "u"))},
			Upstreams: []route.Upstream{upstream("u", endpoints...)},
		}
	}
	s := serve(t, proxy.Config{}, table())
	var group sync.WaitGroup
	for range 10 {
		group.Go(func() {
			for range 10 {
				s.get(t, "http://x/")
			}
			s.Apply(table()) // the turn goes on
		})
	}
	group.Wait()
	got := slices.Sorted(maps.Values(counts))
	if !slices.Equal(got, []int{33, 33, 34}) {
		t.Errorf("100 requests over three endpoints: got %v, want 33, 33 and 34", got)
	}
}

func TestHeadersToTheBackendAreExactlyThose(t *testing.T) {
	var seen string
	echo := backend(t, func(w http.ResponseWriter, r *http.Request) {
		var lines []string
		for name, values := range r.Header {
			lines = append(lines, fmt.Sprintf("%s=%s", strings.ToLower(name), strings.Join(values, "|")))
		}
		lines = append(lines, "host="+r.Host)
		slices.Sort(lines)
		seen = strings.Join(lines, "\n")
	})
	s := serve(t, proxy.Config{}, &route.Table{
		Hosts:     []route.Host{host("", prefix("/", "u"))},
		Upstreams: []route.Upstream{upstream("u", echo)},
	})
	raw := func(lines ...string) string {
		t.Helper()
		connection, err := net.Dial("tcp", s.plain)
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()
		fmt.Fprintf(connection, "GET /admin HTTP/1.1\r\n%s\r\nConnection: close\r\n\r\n", strings.Join(lines, "\r\n"))
		reply, err := io.ReadAll(connection)
		if err != nil || !bytes.HasPrefix(reply, []byte("HTTP/1.1 200 ")) {
			t.Fatalf("got %q, %v", reply, err)
		}
		return seen
	}
	got := raw("Host: 3.35.217.39:30080", "User-Agent: curl/7.79.1", "Accept: */*")
	want := `accept=*/*
host=3.35.217.39:30080
user-agent=curl/7.79.1
x-forwarded-for=127.0.0.1
x-forwarded-host=3.35.217.39:30080
x-forwarded-port=80
x-forwarded-proto=http
x-forwarded-scheme=http
x-real-ip=127.0.0.1
x-request-id=ID
x-scheme=http`
	if got = hideID(got); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	got = raw("Host: h", "X-Forwarded-For: 9.9.9.9", "X-Request-ID: mine", "X-Forwarded-Proto: gopher",
		"Connection: X-Hop", "X-Hop: 1", "Keep-Alive: 5", "X-Real-IP: 8.8.8.8", "X-Empty:")
	want = `host=h
x-empty=
x-forwarded-for=127.0.0.1
x-forwarded-host=h
x-forwarded-port=80
x-forwarded-proto=http
x-forwarded-scheme=http
x-original-forwarded-for=9.9.9.9
x-real-ip=127.0.0.1
x-request-id=mine
x-scheme=http`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// hideID replaces a request id of 32 hexadecimal digits, and nothing else, by "ID".
func hideID(lines string) string {
	before, after, found := strings.Cut(lines, "x-request-id=")
	if !found || len(after) < 32 || strings.Trim(after[:32], "0123456789abcdef") != "" {
		return lines
	}
	return before + "x-request-id=ID" + after[32:]
}
