package proxy_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/quirk"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// bothWays serves a table without and with quirks.
func bothWays(t *testing.T, quirks quirk.Set, table *route.Table, test func(t *testing.T, s served, with bool)) {
	t.Helper()
	quirky := *table
	quirky.Quirks = quirks
	for name, table := range map[string]*route.Table{"by default": table, "with the quirk": &quirky} {
		t.Run(name, func(t *testing.T) { test(t, serve(t, proxy.Config{}, table), table.Quirks != 0) })
	}
}

// statusOf sends a request on a connection of its own.
func (s served) statusOf(t *testing.T, request string) int {
	t.Helper()
	c := s.dial(t)
	c.send("%s", request)
	method, _, _ := strings.Cut(request, " ")
	reply, _ := c.reply(method)
	return reply.StatusCode
}

// pick is the second value with a quirk, the first without.
func pick[T any](with bool, plain, quirky T) T {
	if with {
		return quirky
	}
	return plain
}

// TestQuirksOpenNothing sends what requests are smuggled with to a proxy with all quirks: but for a user in Host, which is then a
// part of the name, the proxy itself refuses all of it and closes the connection.
func TestQuirksOpenNothing(t *testing.T) {
	var served atomic.Int32
	table := toAll(upstream("u", backend(t, func(http.ResponseWriter, *http.Request) { served.Add(1) })))
	table.Quirks = ^quirk.Set(0)
	s := serve(t, proxy.Config{Limits: proxy.Limits{HeaderBytes: 8 << 10, HeaderFields: 20}}, table)
	for _, c := range ambiguous() {
		before := served.Load()
		connection := s.dial(t)
		connection.send("%s", c.request)
		reply, _ := connection.reply("GET")
		if strings.Contains(c.request, "Host: u@") {
			continue
		}
		if reply.StatusCode < 400 || !reply.Close || served.Load() != before {
			t.Errorf("%s: got %v; endpoints got %d requests", c.name, reply, served.Load()-before)
		}
	}
}

func TestQuirkHostField(t *testing.T) {
	echoHost := func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s", r.Host, r.Header.Get("X-Forwarded-Host"))
	}
	table := &route.Table{
		Hosts:     []route.Host{host("a.test", prefix("/", "u"))},
		Upstreams: []route.Upstream{upstream("u", backend(t, echoHost))},
	}
	bothWays(t, quirk.HostField, table, func(t *testing.T, s served, with bool) {
		c := s.dial(t)
		for request, want := range map[string]string{
			"GET http://a.test/ HTTP/1.1\r\nHost: b.test\r\n\r\n": pick(with, "a.test a.test", "b.test b.test"),
			"GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n": "a.test a.test",
			"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n":              "a.test a.test",
			"GET http://b.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n": "Not Found\n",
			"GET http://a.test/ HTTP/1.0\r\n\r\n":                 "a.test a.test",
		} {
			c.send("%s", request)
			if _, body := c.reply("GET"); body != want {
				t.Errorf("%q: got %q, want %q", request, body, want)
			}
			if strings.Contains(request, "HTTP/1.0") {
				c = s.dial(t)
			}
		}
	})
}

func TestQuirkLooseHosts(t *testing.T) {
	table := &route.Table{
		Hosts:     []route.Host{host("a.test", prefix("/", "u")), host("*.a.test", prefix("/", "u"))},
		Upstreams: []route.Upstream{upstream("u", backend(t, named("u")))},
	}
	bothWays(t, quirk.LooseHosts, table, func(t *testing.T, s served, with bool) {
		for _, c := range []struct {
			host          string
			plain, quirky int
		}{
			{"a.test", 200, 200}, {"A.test:80", 200, 200}, {"a.test:", 200, 200}, {"x-1_y.a.test", 200, 200}, {"[::1]:80", 404, 404},
			{"a.test:abc", 400, 200}, {"a.test:123456", 400, 200},
			{"user@a.test", 400, 404}, {"user@x.a.test", 400, 404}, {"*.a.test", 200, 404}, {"x~y.a.test", 200, 404},
			{"x..a.test", 404, 400}, {"", 404, 400},
			{"a.test/x", 400, 400}, {"a b.a.test", 400, 400}, {"a.test:80@b", 400, 400}, {"a.test:#", 400, 400}, {"a.test?", 400, 400},
			{`a.test\`, 400, 400}, {"a.test:80:80", 400, 400}, {"[x]:80", 400, 400}, {"@", 400, 404}, {":80", 400, 400}, {"a%2etest", 400, 400},
			{"a.test\xff", 400, 400},
		} {
			want := pick(with, c.plain, c.quirky)
			if got := s.statusOf(t, "GET / HTTP/1.1\r\nHost: "+c.host+"\r\n\r\n"); got != want {
				t.Errorf("Host %q: got %d, want %d", c.host, got, want)
			}
		}
		if got := s.statusOf(t, "GET / HTTP/1.1\r\nHost: a.test\r\nHost: a.test\r\n\r\n"); got != 400 {
			t.Errorf("two Host fields: got %d", got)
		}
		if got := s.statusOf(t, "GET http://u@a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n"); got != 400 {
			t.Errorf("a target with a user: got %d", got)
		}
	})
}

func TestQuirkRequestLines(t *testing.T) {
	bothWays(t, quirk.RequestLines, toAll(upstream("u", backend(t, named("u")))), func(t *testing.T, s served, with bool) {
		for _, c := range []struct {
			line          string
			plain, quirky int
		}{
			{"get / HTTP/1.1", 200, 400}, {"G+T / HTTP/1.1", 200, 400}, {"M-SEARCH / HTTP/1.1", 200, 200}, {"A_B / HTTP/1.1", 200, 200},
			{"OPTIONS * HTTP/1.1", 200, 400}, {"OPTIONS / HTTP/1.1", 200, 200}, {"GET * HTTP/1.1", 400, 400},
			{"CONNECT h:80 HTTP/1.1", 405, 400}, {"CONNECT / HTTP/1.1", 405, 405}, {"TRACE / HTTP/1.1", 405, 405},
			{"GET / HTTP/0.9", 505, 400}, {"GET / HTTP/2.0", 505, 505}, {"GET / HTTP/1.2", 200, 200}, {"G@T / HTTP/1.1", 400, 400},
		} {
			want := pick(with, c.plain, c.quirky)
			if got := s.statusOf(t, c.line+"\r\nHost: h\r\n\r\n"); got != want {
				t.Errorf("%s: got %d, want %d", c.line, got, want)
			}
		}
	})
}

func TestQuirkHeaderStatus(t *testing.T) {
	table := toAll(upstream("u", backend(t, named("u"))))
	table.RequestHeaders = route.HeaderLimits{Bytes: 33 << 10, Line: 8 << 10, Fields: 200}
	bothWays(t, quirk.HeaderStatus, table, func(t *testing.T, s served, with bool) {
		large := pick(with, 431, 400)
		for _, c := range []struct {
			name, target, fields string
			want                 int
		}{
			{"a long field", "/", "X: " + strings.Repeat("x", 8000) + "\r\n", 200},
			{"a field that is too long", "/", "X: " + strings.Repeat("x", 8<<10) + "\r\n", large},
			{"a field larger than a header", "/", "X: " + strings.Repeat("x", 40<<10) + "\r\n", large},
			{"a long target", "/" + strings.Repeat("x", 8000), "", 200},
			{"a target that is too long", "/" + strings.Repeat("x", 8<<10), "", 414},
			{"a target larger than a header", "/" + strings.Repeat("x", 40<<10), "", 414},
			{"many fields", "/", strings.Repeat("X: x\r\n", 199), 200},
			{"too many fields", "/", strings.Repeat("X: x\r\n", 200), large},
			{"a large header", "/", strings.Repeat("X: "+strings.Repeat("x", 100)+"\r\n", 190), 200},
			{"a header that is too large", "/", strings.Repeat("X: "+strings.Repeat("x", 8000)+"\r\n", 5), large},
		} {
			if got := s.statusOf(t, "GET "+c.target+" HTTP/1.1\r\nHost: h\r\n"+c.fields+"\r\n"); got != c.want {
				t.Errorf("%s: got %d, want %d", c.name, got, c.want)
			}
		}
	})
}

func TestQuirkNoAllow(t *testing.T) {
	bothWays(t, quirk.NoAllow, toAll(upstream("u", backend(t, named("u")))), func(t *testing.T, s served, with bool) {
		c := s.dial(t)
		c.send("TRACE / HTTP/1.1\r\nHost: h\r\n\r\n")
		if reply, _ := c.reply("TRACE"); reply.StatusCode != http.StatusMethodNotAllowed || (reply.Header.Get("Allow") == "") != with {
			t.Errorf("got %v", reply)
		}
	})
}

// TestQuirkLoneUpgrade also has an endpoint switch protocols that the client has not offered: it is not believed.
func TestQuirkLoneUpgrade(t *testing.T) {
	endpoint := scripted(t, func(conn net.Conn, in *bufio.Reader) {
		for {
			head := readHead(in)
			switch {
			case head == "":
				return
			case strings.Contains(head, "GET /switch "):
				fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\nGARBAGE")
			default:
				upgrade := strings.Contains(head, "\r\nConnection: upgrade\r\nUpgrade: foo\r\n")
				fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Upgrade: %t\r\n\r\nhello", upgrade)
			}
		}
	})
	bothWays(t, quirk.LoneUpgrade, toAll(upstream("u", endpoint)), func(t *testing.T, s served, with bool) {
		c := s.dial(t)
		for fields, want := range map[string]bool{
			"Upgrade: foo\r\n":                                        with,
			"Upgrade: foo\r\nConnection: Upgrade\r\n":                 true,
			"Upgrade: foo\r\nConnection: keep-alive\r\n":              with,
			"Upgrade: h2c\r\n":                                        false,
			"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n": false,
			"": false,
		} {
			c.send("GET / HTTP/1.1\r\nHost: h\r\n%s\r\n", fields)
			if reply, _ := c.reply("GET"); reply.Header.Get("X-Upgrade") != fmt.Sprint(want) {
				t.Errorf("%q: the endpoint got an offer: %s, want %t", fields, reply.Header.Get("X-Upgrade"), want)
			}
		}
		c.send("GET /switch HTTP/1.1\r\nHost: h\r\nUpgrade: foo\r\n\r\n")
		if reply, body := c.reply("GET"); reply.StatusCode != http.StatusBadGateway || strings.Contains(body, "GARBAGE") {
			t.Errorf("an upgrade that was not requested: got %d %q", reply.StatusCode, body)
		}
		c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		if reply, body := c.reply("GET"); reply.StatusCode != http.StatusOK || body != "hello" {
			t.Errorf("the next request: got %d %q", reply.StatusCode, body)
		}
	})
}

func TestQuirkNominatedFields(t *testing.T) {
	endpoint := backend(t, func(w http.ResponseWriter, _ *http.Request) {
		for name, value := range map[string]string{"X-Foo": "1", "X-Bar": "2", "Keep-Alive": "timeout=1", "Date": "Thu, 01 Jan 2026 00:00:00 GMT"} {
			w.Header().Set(name, value)
		}
		w.Header()["Connection"] = []string{"X-Foo, Date, Keep-Alive"}
	})
	bothWays(t, quirk.NominatedFields, toAll(upstream("u", endpoint)), func(t *testing.T, s served, with bool) {
		_, _, header := s.get(t, "http://h/")
		if got := header.Get("X-Foo"); got != pick(with, "", "1") || header.Get("X-Bar") != "2" || header.Get("Keep-Alive") != "" {
			t.Errorf("got %v", header)
		}
		if len(header["Date"]) != 1 {
			t.Errorf("got Date %q", header["Date"])
		}
	})
}

func TestReplyHeaderLimit(t *testing.T) {
	endpoint := backend(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X", strings.Repeat("x", len(r.URL.Path)))
	})
	table := toAll(upstream("u", endpoint))
	s := serve(t, proxy.Config{}, table)
	limited := toAll(table.Upstreams[0])
	limited.Hosts[0].Routes[0].Policies = []route.Policy{policy.ReplyHeader{Bytes: 4 << 10}}
	l := serve(t, proxy.Config{}, limited)
	for length, want := range map[int]int{3000: 200, 5000: 502} {
		url := "http://h/" + strings.Repeat("x", length)
		if code, _, _ := s.get(t, url); code != 200 {
			t.Errorf("%d bytes without a limit: got %d", length, code)
		}
		if code, _, _ := l.get(t, url); code != want {
			t.Errorf("%d bytes with a limit: got %d, want %d", length, code, want)
		}
	}
}

// TestQuirkAccel leads requests to other paths of the same host, where all policies apply.
func TestQuirkAccel(t *testing.T) {
	var posted atomic.Int32
	endpoint := backend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			posted.Add(1)
		}
		switch r.URL.Path {
		case "/shown", "/private":
			body, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, "%s %s %d", r.Method, r.RequestURI, len(body))
		default:
			http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
			w.Header().Set("X-Accel-Buffering", "no")
			w.Header().Set("X-Accel-Redirect", r.URL.Query().Get("to"))
			io.WriteString(w, "first")
		}
	})
	table := toAll(upstream("u", endpoint))
	table.Hosts[0].Routes = append(table.Hosts[0].Routes,
		route.Route{Match: route.PrefixPath("/private"), Action: route.Deny{Status: 403, Reason: "test"}})
	bothWays(t, quirk.Accel, table, func(t *testing.T, s served, with bool) {
		c := s.dial(t)
		for _, test := range []struct{ request, to, want string }{
			{"GET /", "/shown?x=1", "200 GET /shown?x=1 0"},
			{"GET /", "/x/../shown", "200 GET /shown 0"},
			{"POST /", "/shown", "200 GET /shown 0"},
			{"GET /", "/private", "403 Forbidden\n"},
			{"GET /", "//private", "403 Forbidden\n"},
			{"GET /", "shown", "404 Not Found\n"},
			{"GET /", "/../shown", "404 Not Found\n"},
			{"GET /", "@named", "404 Not Found\n"},
			{"GET /", "/shown?a b HTTP/1.1", "404 Not Found\n"},
			{"GET /", "/again?to=/shown", "200 GET /shown 0"},
			{"GET /", "/shown now", "404 Not Found\n"},
		} {
			length := 0
			if strings.HasPrefix(test.request, "POST") {
				length = 5
			}
			query := strings.NewReplacer("?", "%3F", " ", "%20", "&", "%26").Replace(test.to)
			c.send("%s?to=%s HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", test.request, query, length, "hello"[:length])
			reply, body := c.reply("GET")
			want := pick(with, "200 first", test.want)
			if got := fmt.Sprint(reply.StatusCode, " ", body); got != want {
				t.Errorf("%s to %s: got %q, want %q", test.request, test.to, got, want)
			}
			if got := reply.Header.Get("X-Accel-Redirect") != ""; got == with {
				t.Errorf("%s to %s: X-Accel-Redirect is forwarded: %t", test.request, test.to, got)
			}
			if reply.StatusCode == http.StatusOK && reply.Header.Get("Set-Cookie") != "a=b" {
				t.Errorf("%s to %s: got the cookies %q", test.request, test.to, reply.Header["Set-Cookie"])
			}
			if reply.Close { // after an error
				c = s.dial(t)
			}
		}
	})
	if got := posted.Load(); got != 2 {
		t.Errorf("endpoints got %d POST requests, want one with and one without the quirk", got)
	}
}

// TestQuirkAccelCircle ends a request that leads to itself.
func TestQuirkAccelCircle(t *testing.T) {
	var requests atomic.Int32
	table := toAll(upstream("u", backend(t, func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		w.Header().Set("X-Accel-Redirect", r.URL.Path)
	})))
	table.Quirks = quirk.Accel
	code, _, _ := serve(t, proxy.Config{}, table).get(t, "http://h/round")
	if code != 500 || requests.Load() != 11 {
		t.Errorf("got %d after %d requests, want 500 after 11", code, requests.Load())
	}
}

// TestNotHTTP answers bytes that begin no message at once, such as a TLS handshake on the port for plain text.
func TestNotHTTP(t *testing.T) {
	s := one(t, proxy.Config{Timeouts: proxy.Timeouts{Header: time.Hour}}, named("u"))
	c := s.dial(t)
	c.send("\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03")
	if reply, _ := c.reply("GET"); reply.StatusCode != http.StatusBadRequest || !reply.Close {
		t.Errorf("got %v", reply)
	}
	c.Conn.(*net.TCPConn).CloseWrite()
	if _, err := c.in.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("the connection goes on: %v", err)
	}
}
