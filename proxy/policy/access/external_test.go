package access

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/proxy/upstream"
	"github.com/ingress-testbed/testbed/proxy/upstream/tlsprofile"
)

// server is an external server of tests, and the upstreams of a table with it alone.
type server struct {
	*httptest.Server
	pool *upstream.Pool
	seen atomic.Pointer[http.Request]
	asks atomic.Int32
}

// newServer answers with the status that the field X-Status of the request says, and the fields X-User and Set-Cookie.
func newServer(t *testing.T) *server {
	t.Helper()
	s := new(server)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.seen.Store(r.Clone(context.Background()))
		s.asks.Add(1)
		w.Header().Set("X-User", "alice")
		if r.URL.Query().Has("cookie") {
			w.Header().Add("Set-Cookie", "a=b")
			w.Header().Add("Set-Cookie", "c=d")
		}
		if control := r.Header.Get("X-Control"); control != "" {
			w.Header().Set("Cache-Control", control)
		}
		status, err := strconv.Atoi(r.Header.Get("X-Status"))
		if err != nil {
			status = 200
		}
		if status == 401 {
			w.Header().Set("WWW-Authenticate", "Bearer")
		}
		w.WriteHeader(status)
		_, _ = fmt.Fprint(w, "a body")
	}))
	t.Cleanup(s.Close)
	s.pool = newPool(t, netip.MustParseAddrPort(s.Listener.Addr().String()))
	return s
}

func newPool(t *testing.T, address netip.AddrPort) *upstream.Pool {
	t.Helper()
	registry := upstream.NewRegistry(upstream.Options{
		Dial: new(net.Dialer).DialContext, MaxIdle: 2, MaxAge: time.Minute,
		Limits: upstream.Limits{HeaderBytes: 8 << 10, HeaderFields: 50},
	})
	t.Cleanup(func() { registry.Keep(func(upstream.Key) bool { return false }) })
	return registry.Pool(upstream.NewKey(address, route.HTTP1, tlsprofile.Profile{}), tlsprofile.Profile{})
}

// NextPool implements policy.Upstreams.
func (s *server) NextPool(name string) *upstream.Pool {
	if name != "auth" {
		return nil
	}
	return s.pool
}

// settings are those of a policy that asks the server.
func settings() External {
	return External{
		Upstream: "auth", Host: "auth.example", Path: "/verify?host=$host", Connect: 5 * time.Second, Response: 5 * time.Second,
	}
}

func (s *server) request(t *testing.T, target string, fields ...string) *policy.Request {
	r := newRequest(t, target, fields...)
	r.Upstreams = s
	return r
}

func TestExternalAnswers(t *testing.T) {
	for _, c := range []struct {
		name, status string
		change       func(*External)
		want         int
		lines        string // that the client gets
	}{
		{"let in", "200", func(*External) {}, 0, ""},
		{"let in without content", "204", func(*External) {}, 0, ""},
		{"unauthorized", "401", func(*External) {}, 401, "WWW-Authenticate: Bearer\r\n"},
		{"unauthorized, cookies always", "401", func(p *External) { p.AlwaysSetCookie = true }, 401,
			"WWW-Authenticate: Bearer\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n"},
		{"sign in", "401", func(p *External) { p.SignIn = "https://login.example/?rd=$escaped_request_uri" }, 302,
			"WWW-Authenticate: Bearer\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\nLocation: https://login.example/?rd=%2Fp%3Fq%3D1\r\n"},
		{"forbidden", "403", func(p *External) { p.SignIn = "https://login.example/" }, 403, ""},
		{"redirected", "302", func(*External) {}, 500, ""},
		{"not found", "404", func(*External) {}, 500, ""},
		{"broken", "503", func(*External) {}, 500, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			p := settings()
			p.Path += "&cookie"
			c.change(&p)
			r := s.request(t, "/p?q=1", "X-Status: "+c.status)
			chain := compile(t, p)
			if got := answer(chain, r); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
			if got := string(r.ReplyLines); got != c.lines {
				t.Errorf("got the lines %q, want %q", got, c.lines)
			}
		})
	}
}

func TestExternalRequest(t *testing.T) {
	s := newServer(t)
	p := settings()
	p.Method, p.SetHeaders = "POST", []Header{{"X-Tenant", "$arg_tenant"}}
	r := s.request(t, "/p%2Fq?tenant=t", "X-Tenant: forged", "X-Own: kept", "Content-Length: 3", "Connection: x-own2", "X-Own2: not",
		"Expect: 100-continue", "X-Real-IP: forged")
	if got := answer(compile(t, p), r); got != 0 {
		t.Fatalf("got %d", got)
	}
	seen := s.seen.Load()
	got := map[string]string{"method": seen.Method, "uri": seen.RequestURI, "host": seen.Host}
	for name := range seen.Header {
		got[name] = strings.Join(seen.Header.Values(name), "|")
	}
	want := map[string]string{
		"method": "POST", "uri": "/verify?host=shop.example", "host": "auth.example",
		"X-Tenant": "t", "X-Own": "kept", "X-Request-Id": "id", "X-Real-Ip": "192.0.2.1", "X-Forwarded-For": "192.0.2.1",
		"X-Original-Url": "http://Shop.example:8080/p%2Fq?tenant=t", "X-Original-Uri": "/p%2Fq?tenant=t",
		"X-Original-Method": "GET", "X-Scheme": "http", "X-Sent-From": "nginx-ingress-controller",
		"X-Auth-Request-Redirect": "/p%2Fq?tenant=t", "Connection": "close",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A connection that is kept stays with the server that it was opened to.
func TestExternalConnections(t *testing.T) {
	for _, kept := range []bool{false, true} {
		s := newServer(t)
		set := settings()
		set.KeepConnections = kept
		chain := compile(t, set)
		clients := map[string]bool{}
		for range 3 {
			if got := answer(chain, s.request(t, "/")); got != 0 {
				t.Fatalf("status %d", got)
			}
			seen := s.seen.Load()
			clients[seen.RemoteAddr] = true
			if seen.Close == kept {
				t.Errorf("connections kept: %v, but Connection: close is sent: %v", kept, seen.Close)
			}
		}
		want := 3
		if kept {
			want = 1
		}
		if len(clients) != want {
			t.Errorf("connections kept: %v, but there were %d for 3 requests", kept, len(clients))
		}
	}
}

// TestExternalFields has a client forge what only the server may say.
func TestExternalFields(t *testing.T) {
	s := newServer(t)
	p := settings()
	p.ReplyHeaders = []string{"X-User", "X-Groups"}
	r := s.request(t, "/", "X-User: root", "X-Groups: wheel")
	if got := answer(compile(t, p), r); got != 0 {
		t.Fatalf("got %d", got)
	}
	if got := string(r.RequestLines); got != "X-User: alice\r\n" {
		t.Errorf("got %q", got)
	}
	for _, name := range []string{"x-user", "x-groups"} {
		if value, found := r.Message.Lookup(name); found {
			t.Errorf("the endpoint gets %s: %s of the client", name, value)
		}
	}
}

func TestExternalCookies(t *testing.T) {
	const cookies = "Set-Cookie: a=b\r\nSet-Cookie: c=d\r\n"
	for _, c := range []struct {
		status int // 0: the proxy answers
		always bool
		want   string
	}{{200, false, cookies}, {302, false, cookies}, {404, false, ""}, {404, true, cookies}, {0, false, ""}, {0, true, cookies}} {
		s := newServer(t)
		p := settings()
		p.Path, p.AlwaysSetCookie = "/?cookie", c.always
		chain, r := compile(t, p), s.request(t, "/")
		chain.Request(r)
		if c.status == 0 {
			chain.Reply(r, nil)
		} else {
			chain.Reply(r, newReply(t, c.status))
		}
		if got := string(r.ReplyLines); got != c.want {
			t.Errorf("%+v: got %q", c, got)
		}
	}
}

// TestExternalFailsClosed has servers that give no proper reply.
func TestExternalFailsClosed(t *testing.T) {
	odd := func(reply string) func(*testing.T) policy.Upstreams {
		return func(t *testing.T) policy.Upstreams {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { listener.Close() })
			go func() {
				for {
					conn, err := listener.Accept()
					if err != nil {
						return
					}
					_, _ = conn.Read(make([]byte, 4<<10))
					_, _ = conn.Write([]byte(reply))
					if reply != "" {
						conn.Close()
					} else {
						t.Cleanup(func() { conn.Close() })
					}
				}
			}()
			return &server{pool: newPool(t, netip.MustParseAddrPort(listener.Addr().String()))}
		}
	}
	for name, upstreams := range map[string]func(*testing.T) policy.Upstreams{
		"no address": func(*testing.T) policy.Upstreams { return &server{} },
		"dead": func(t *testing.T) policy.Upstreams {
			s := newServer(t)
			s.Close()
			return s
		},
		"silent": odd(""), "not HTTP": odd("220 smtp.example\r\n"), "cut off": odd("HTTP/1.1 200 OK\r\nA: b\r\n"),
		"switching":    odd("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
		"too large":    odd("HTTP/1.1 200 OK\r\nA: " + strings.Repeat("a", 16<<10) + "\r\n\r\n"),
		"both lengths": odd("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			p := settings()
			p.Response = 50 * time.Millisecond
			p.CacheKey, p.Cache = "$host", []CacheTime{{0, time.Hour}}
			r := newRequest(t, "/")
			r.Upstreams = upstreams(t)
			if got := answer(compile(t, p), r); got != 500 {
				t.Errorf("got %d", got)
			}
		})
	}
}

func TestExternalCache(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*External)
		fields [2][]string // of two requests
		asks   int32
	}{
		{"none", func(p *External) { p.CacheKey = "" }, [2][]string{}, 2},
		{"the same", func(*External) {}, [2][]string{{"X-Key: a"}, {"X-Key: a"}}, 1},
		{"another key", func(*External) {}, [2][]string{{"X-Key: a"}, {"X-Key: b"}}, 2},
		{"another status", func(*External) {}, [2][]string{{"X-Status: 403"}, {"X-Status: 403"}}, 2},
		{"any status", func(p *External) { p.Cache = []CacheTime{{0, time.Hour}} }, [2][]string{{"X-Status: 403"}, {"X-Status: 403"}}, 1},
		{"cookies are not kept", func(p *External) { p.Path += "&cookie" }, [2][]string{}, 2},
		{"the server forbids it", func(*External) {}, [2][]string{{"X-Control: private"}, {"X-Control: private"}}, 2},
		{"the server sets the time", func(p *External) { p.Cache = nil },
			[2][]string{{"X-Control: max-age=60"}, {"X-Control: max-age=60"}}, 1},
		{"the server sets no time", func(*External) {}, [2][]string{{"X-Control: max-age=0"}, {"X-Control: max-age=0"}}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			p := settings()
			p.CacheKey, p.Cache = "$http_x_key", []CacheTime{{200, time.Hour}, {401, time.Hour}}
			c.change(&p)
			chain := compile(t, p)
			var statuses [2]int
			for i, fields := range c.fields {
				statuses[i] = answer(chain, s.request(t, "/", fields...))
			}
			if got := s.asks.Load(); got != c.asks || statuses[0] != statuses[1] {
				t.Errorf("the server was asked %d times, want %d; got %v", got, c.asks, statuses)
			}
		})
	}
}

func TestExternalCacheIsBounded(t *testing.T) {
	v, now := newVerdicts(), time.Now()
	for i := range 2 * mostVerdicts {
		v.put([32]byte{byte(i), byte(i >> 8)}, &verdict{expires: now.Add(time.Minute)})
	}
	if len(v.byKey) != mostVerdicts {
		t.Errorf("got %d", len(v.byKey))
	}
	key := [32]byte{1, 2, 3}
	v.put(key, &verdict{expires: now.Add(time.Minute)})
	if v.get(key, now) == nil || v.get(key, now.Add(time.Minute)) != nil {
		t.Error("a reply is not kept until it expires")
	}
}
