package proxy_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

func TestProxyProtocol(t *testing.T) {
	var seen http.Header
	s := one(t, proxy.Config{}, func(w http.ResponseWriter, r *http.Request) { seen = r.Header })
	before := s.dial(t)
	before.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	before.reply("GET")
	table := *s.Table()
	table.ProxyProtocol = true
	table.Forwarded.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	s.Apply(&table)
	before.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n") // connections that are there already have no header
	before.reply("GET")
	if got := seen.Get("X-Forwarded-For"); got != "127.0.0.1" {
		t.Errorf("got %q", got)
	}

	const request = "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 6.6.6.6\r\nConnection: close\r\n\r\n"
	check := func(what, reply, client, scheme string) {
		t.Helper()
		if !strings.HasPrefix(reply, "HTTP/1.1 200 ") || seen.Get("X-Real-Ip") != client || seen.Get("X-Forwarded-For") != client ||
			seen.Get("X-Original-Forwarded-For") != "6.6.6.6" || seen.Get("X-Forwarded-Proto") != scheme {
			t.Errorf("%s: got %.40q; the endpoint saw %v", what, reply, seen)
		}
	}
	check("version 1", exchangeRaw(t, s.plain, "PROXY TCP4 203.0.113.9 192.0.2.1 4000 80\r\n"+request), "203.0.113.9", "http")
	check("version 2", exchangeRaw(t, s.plain, "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xcb\x00\x71\x07\xc0\x00\x02\x01\x0f\xa0\x00\x50"+request),
		"203.0.113.7", "http")
	check("health check", exchangeRaw(t, s.plain, "PROXY UNKNOWN\r\n"+request), "127.0.0.1", "http")
	check("TLS ended by the load balancer", exchangeRaw(t, s.plain, "PROXY TCP4 203.0.113.9 192.0.2.1 4000 443\r\n"+request), "203.0.113.9", "https")

	conn, err := net.Dial("tcp", s.secure)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	io.WriteString(conn, "PROXY TCP6 2001:db8::9 2001:db8::1 4000 443\r\n")
	encrypted := tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
	io.WriteString(encrypted, request)
	reply, _ := io.ReadAll(encrypted)
	check("before TLS", string(reply), "2001:db8::9", "https")

	seen = nil
	for _, text := range []string{request, "PROXY TCP4 nobody 192.0.2.1 4000 443\r\n" + request} {
		if reply := exchangeRaw(t, s.plain, text); reply != "" || seen != nil {
			t.Errorf("%.20q: got %q", text, reply)
		}
	}

	other := table
	other.Forwarded = route.Forwarded{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	s.Apply(&other)
	check("not trusted", exchangeRaw(t, s.plain, "PROXY TCP4 203.0.113.9 192.0.2.1 4000 443\r\n"+request), "127.0.0.1", "http")
}
