package forwarded_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/proxy/forwarded"
	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/proxyprotocol"
	"github.com/ingress-testbed/testbed/proxy/route"
)

const (
	peer = "192.0.2.9"
	id   = "0123456789abcdef0123456789abcdef"
)

func networks(texts ...string) []netip.Prefix {
	var prefixes []netip.Prefix
	for _, text := range texts {
		prefixes = append(prefixes, netip.MustParsePrefix(text))
	}
	return prefixes
}

// everybody trusts all proxies, as ingress-nginx does unless proxy-real-ip-cidr is set.
func everybody() route.Forwarded {
	return route.Forwarded{TrustHeaders: true, TrustedProxies: networks("0.0.0.0/0", "::/0")}
}

// some trusts the peer's network and 10.0.0.0/8.
func some() route.Forwarded {
	return route.Forwarded{TrustHeaders: true, TrustedProxies: networks("192.0.2.0/24", "10.0.0.0/8", "2001:db8::/32")}
}

func request(t testing.TB, lines ...string) *message.Request {
	t.Helper()
	r := new(message.Request)
	head := "GET / HTTP/1.1\r\nHost: h.example:80\r\n" + strings.Join(append(lines, "", ""), "\r\n")
	if err := r.Parse([]byte(head), 1000); err != nil {
		t.Fatal(err)
	}
	return r
}

// resolve returns what is found out, and all lines but X-Request-ID.
func resolve(t testing.TB, settings route.Forwarded, lines ...string) (forwarded.Info, string) {
	t.Helper()
	s := forwarded.Compile(&route.Table{Forwarded: settings})
	r := request(t, lines...)
	info := s.Resolve(forwarded.NewConnection(netip.MustParseAddr(peer), "http", 8080), r)
	sent := string(r.AppendForwarded(info.AppendLines(nil, r, []byte(id))))
	rest, found := strings.CutPrefix(sent, "X-Request-ID: "+id+"\r\n")
	if !found {
		t.Errorf("got %q, without X-Request-ID", sent)
	}
	return info, rest
}

// block are the lines that are the same for most requests.
func block(host, client, chain, port, scheme string) string {
	return "X-Forwarded-Host: " + host + "\r\nX-Real-IP: " + client + "\r\nX-Forwarded-For: " + chain + "\r\nX-Forwarded-Port: " + port +
		"\r\nX-Forwarded-Proto: " + scheme + "\r\nX-Forwarded-Scheme: " + scheme + "\r\nX-Scheme: " + scheme + "\r\n"
}

// TestUntrusted has the lines that were sent before there were settings, in their order.
func TestUntrusted(t *testing.T) {
	own := block("h.example:80", peer, peer, "8080", "http")
	for name, test := range map[string]struct {
		settings route.Forwarded
		lines    []string
		want     string
	}{
		"no claims": {route.Forwarded{}, []string{"Accept: */*", "X-A: b"}, own + "Accept: */*\r\nX-A: b\r\n"},
		"claims": {
			route.Forwarded{},
			[]string{
				"A: 1", "X-Forwarded-For: 9.9.9.9", "X-Forwarded-Proto: https", "X-Forwarded-Port: 443", "X-Real-IP: 8.8.8.8",
				"X-Forwarded-Scheme: https", "X-Scheme: https", "X-Forwarded-Host: other, another", "B: 2", "X-Original-Forwarded-For: x",
				"X-Original-Forwarded-Host: y",
			},
			own + "X-Original-Forwarded-For: 9.9.9.9\r\nX-Original-Forwarded-Host: other, another\r\nA: 1\r\nB: 2\r\n",
		},
		"several lines": {
			route.Forwarded{}, []string{"X-Forwarded-For: 1.1.1.1", "X-Forwarded-For:", "x-forwarded-for: 2.2.2.2, 3.3.3.3"},
			own + "X-Original-Forwarded-For: 1.1.1.1, 2.2.2.2, 3.3.3.3\r\n",
		},
		"empty": {route.Forwarded{}, []string{"X-Forwarded-For:", "X-Forwarded-Host:"}, own},
		"claims that are withheld": {
			route.Forwarded{},
			[]string{"Forwarded: for=6.6.6.6", "A: 1", "True-Client-IP: 6.6.6.6", "X-Forwarded-Prefix: /x", "X-Forwarded-SSL: on"},
			own + "A: 1\r\n",
		},
		"networks without trust in headers": {
			route.Forwarded{TrustedProxies: networks("0.0.0.0/0")}, []string{"X-Forwarded-For: 9.9.9.9", "X-Forwarded-Proto: https"},
			own + "X-Original-Forwarded-For: 9.9.9.9\r\n",
		},
		"trust in nobody": {
			route.Forwarded{TrustHeaders: true}, []string{"X-Forwarded-For: 9.9.9.9", "X-Forwarded-Proto: https", "Forwarded: for=x"},
			own + "X-Original-Forwarded-For: 9.9.9.9\r\n",
		},
		"trust in others": {
			route.Forwarded{TrustHeaders: true, ComputeFull: true, TrustedProxies: networks("10.0.0.0/8")},
			[]string{"X-Forwarded-For: 9.9.9.9", "X-Forwarded-Proto: https", "X-Forwarded-Host: other"},
			own + "X-Original-Forwarded-For: 9.9.9.9\r\nX-Original-Forwarded-Host: other\r\n",
		},
		"another header": {
			route.Forwarded{Header: "CF-Connecting-IP"}, []string{"X-Forwarded-For: 1.1.1.1", "cf-connecting-ip: 9.9.9.9"},
			own + "X-Original-Forwarded-For: 9.9.9.9\r\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			info, got := resolve(t, test.settings, test.lines...)
			if got != test.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, test.want)
			}
			if info.Client != netip.MustParseAddr(peer) || info.Scheme != "http" || string(info.Host) != "h.example:80" || info.Port != 8080 {
				t.Errorf("got %+v", info)
			}
		})
	}
}

// TestTrusted has what the real ingress-nginx 1.15.1 sent, where the name says so.
func TestTrusted(t *testing.T) {
	recorded := everybody()
	recorded.OwnPort = true
	full := recorded
	full.ComputeFull = true
	header := everybody()
	header.Header = "X-Client-Chain"
	anyPeer := route.Forwarded{TrustHeaders: true, AnyPeer: true, OwnPort: true, TrustedProxies: networks("10.0.0.0/8")}
	anyFull := anyPeer
	anyFull.ComputeFull = true
	for name, test := range map[string]struct {
		settings route.Forwarded
		lines    []string
		want     string
		scheme   string
		host     string
	}{
		"recorded: everything": {
			recorded,
			[]string{
				"X-Forwarded-For: 198.51.100.1, 10.0.0.1", "X-Forwarded-Proto: https", "X-Forwarded-Host: other.test",
				"X-Forwarded-Port: 8443", "X-Real-IP: 9.9.9.9",
			},
			block("other.test", "198.51.100.1", "198.51.100.1", "8443", "https") +
				"X-Original-Forwarded-For: 198.51.100.1, 10.0.0.1\r\nX-Original-Forwarded-Host: other.test\r\n",
			"https", "other.test",
		},
		"recorded: nothing": {recorded, nil, block("h.example:80", peer, peer, "8080", "http"), "http", "h.example:80"},
		"recorded: a list of hosts": {
			recorded, []string{"X-Forwarded-Host: h1.test, h2.test"},
			block("h1.test", peer, peer, "8080", "http") + "X-Original-Forwarded-Host: h1.test, h2.test\r\n", "http", "h1.test",
		},
		"recorded: garbage": {
			recorded, []string{"X-Forwarded-For: garbage"},
			block("h.example:80", peer, peer, "8080", "http") + "X-Original-Forwarded-For: garbage\r\n", "http", "h.example:80",
		},
		"recorded: upper case": {
			recorded, []string{"X-Forwarded-Proto: HTTPS"}, block("h.example:80", peer, peer, "8080", "HTTPS"), "https", "h.example:80",
		},
		"recorded: a list of schemes": {
			recorded, []string{"X-Forwarded-Proto: https, http"}, block("h.example:80", peer, peer, "8080", "https, http"), "https", "h.example:80",
		},
		"recorded: full": {
			full, []string{"X-Forwarded-For: 1.2.3.4, 5.6.7.8", "X-Forwarded-Proto: https"},
			block("h.example:80", "1.2.3.4", "1.2.3.4, 5.6.7.8, "+peer, "8080", "https") + "X-Original-Forwarded-For: 1.2.3.4, 5.6.7.8\r\n",
			"https", "h.example:80",
		},
		"recorded: full of nothing": {full, nil, block("h.example:80", peer, peer, "8080", "http"), "http", "h.example:80"},
		"recorded: any peer's scheme, not its address": {
			anyPeer, []string{"X-Forwarded-For: 1.2.3.4", "X-Forwarded-Proto: https"},
			block("h.example:80", peer, peer, "8080", "https") + "X-Original-Forwarded-For: 1.2.3.4\r\n", "https", "h.example:80",
		},
		"any peer's chain and claims": {
			anyFull, []string{"X-Forwarded-For: 1.2.3.4", "Forwarded: for=x"},
			block("h.example:80", peer, "1.2.3.4, "+peer, "8080", "http") + "X-Original-Forwarded-For: 1.2.3.4\r\nForwarded: for=x\r\n",
			"http", "h.example:80",
		},
		"claims of a trusted proxy": {
			everybody(), []string{"Forwarded: for=6.6.6.6", "True-Client-IP: 6.6.6.6", "X-Forwarded-Prefix: /x", "X-Forwarded-Ssl: on"},
			block("h.example:80", peer, peer, "8080", "http") +
				"Forwarded: for=6.6.6.6\r\nTrue-Client-IP: 6.6.6.6\r\nX-Forwarded-Prefix: /x\r\nX-Forwarded-Ssl: on\r\n", "http", "h.example:80",
		},
		"a port": {
			everybody(), []string{"X-Forwarded-Port: 8443"}, block("h.example:80", peer, peer, "8443", "http"), "http", "h.example:80",
		},
		"WebSocket": {
			everybody(), []string{"X-Forwarded-Proto: wss"}, block("h.example:80", peer, peer, "443", "wss"), "https", "h.example:80",
		},
		"a scheme has its port": {
			everybody(), []string{"X-Forwarded-Proto: https"}, block("h.example:80", peer, peer, "443", "https"), "https", "h.example:80",
		},
		"a scheme with another port": {
			everybody(), []string{"X-Forwarded-Proto: https", "X-Forwarded-Port: 8443"},
			block("h.example:80", peer, peer, "8443", "https"), "https", "h.example:80",
		},
		"a scheme with an invalid port": {
			everybody(), []string{"X-Forwarded-Proto: https", "X-Forwarded-Port: none"},
			block("h.example:80", peer, peer, "443", "https"), "https", "h.example:80",
		},
		"the connection's own scheme": {
			everybody(), []string{"X-Forwarded-Proto: http"}, block("h.example:80", peer, peer, "8080", "http"), "http", "h.example:80",
		},
		"an unknown scheme": {
			everybody(), []string{"X-Forwarded-Proto: gopher"}, block("h.example:80", peer, peer, "8080", "gopher"), "http", "h.example:80",
		},
		"a bad host and port": {
			everybody(), []string{"X-Forwarded-Host: a/b, c", "X-Forwarded-Port: 65536"},
			block("h.example:80", peer, peer, "8080", "http") + "X-Original-Forwarded-Host: a/b, c\r\n", "http", "h.example:80",
		},
		"the first line of several": {
			everybody(), []string{
				"X-Forwarded-Host: a.test", "X-Forwarded-Host: b.test", "X-Forwarded-Port: 1, 2", "X-Forwarded-Port: 3",
				"X-Forwarded-Proto: https", "X-Forwarded-Proto: http",
			},
			block("a.test", peer, peer, "1", "https") + "X-Original-Forwarded-Host: a.test, b.test\r\n", "https", "a.test",
		},
		"another header": {
			header, []string{"X-Forwarded-For: 1.1.1.1", "X-Client-Chain: 9.9.9.9"},
			block("h.example:80", "9.9.9.9", "9.9.9.9", "8080", "http") + "X-Original-Forwarded-For: 9.9.9.9\r\nX-Client-Chain: 9.9.9.9\r\n",
			"http", "h.example:80",
		},
	} {
		t.Run(name, func(t *testing.T) {
			info, got := resolve(t, test.settings, test.lines...)
			if got != test.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, test.want)
			}
			if info.Scheme != test.scheme || string(info.Host) != test.host {
				t.Errorf("got %s, %s, want %s, %s", info.Scheme, info.Host, test.scheme, test.host)
			}
		})
	}
}

func TestChain(t *testing.T) {
	for name, test := range map[string]struct {
		settings route.Forwarded
		chain    []string // values of X-Forwarded-For
		want     string
	}{
		"forged by the client":      {some(), []string{"198.51.100.66, 203.0.113.9"}, "203.0.113.9"},
		"through two proxies":       {some(), []string{"198.51.100.66, 203.0.113.9, 10.0.0.7"}, "203.0.113.9"},
		"over two lines":            {some(), []string{"198.51.100.66, 203.0.113.9", "10.0.0.7"}, "203.0.113.9"},
		"the last line alone":       {some(), []string{"198.51.100.66", "203.0.113.9"}, "203.0.113.9"},
		"proxies alone":             {some(), []string{"10.0.0.1, 10.0.0.2"}, "10.0.0.1"},
		"all trusted":               {everybody(), []string{"198.51.100.66, 203.0.113.9", "10.0.0.7"}, "198.51.100.66"},
		"garbage behind a proxy":    {some(), []string{"203.0.113.9, unknown, 10.0.0.7"}, "10.0.0.7"},
		"garbage at the end":        {some(), []string{"203.0.113.9, _hidden"}, peer},
		"garbage stops all lines":   {some(), []string{"203.0.113.9", "secret", "10.0.0.7"}, "10.0.0.7"},
		"empty":                     {some(), []string{""}, peer},
		"empty elements and lines":  {some(), []string{"203.0.113.9", "", ", ,10.0.0.7,, ,"}, "203.0.113.9"},
		"without spaces":            {some(), []string{"1.1.1.1,203.0.113.9,10.0.0.7"}, "203.0.113.9"},
		"spaces alone":              {some(), []string{"1.1.1.1 203.0.113.9 \t10.0.0.7"}, "203.0.113.9"},
		"a port":                    {some(), []string{"203.0.113.9:1234, 10.0.0.7:80"}, "203.0.113.9"},
		"IPv6":                      {some(), []string{"2001:db9::1, 2001:db8::1"}, "2001:db9::1"},
		"IPv6 in brackets":          {some(), []string{"[2001:db9::1], [2001:db8::1]:80"}, "2001:db9::1"},
		"IPv4 as IPv6":              {some(), []string{"203.0.113.9, ::ffff:10.0.0.7"}, "203.0.113.9"},
		"IPv4 as IPv6, the client":  {some(), []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		"the longest address":       {some(), []string{"0000:0000:0000:0000:0000:ffff:203.0.113.199"}, "203.0.113.199"},
		"a port too large":          {some(), []string{"203.0.113.9:65536"}, peer},
		"a port that is no number":  {some(), []string{"203.0.113.9:x"}, peer},
		"an empty port":             {some(), []string{"203.0.113.9:"}, peer},
		"an empty port, IPv6":       {some(), []string{"[2001:db9::1]:"}, peer},
		"IPv4 in brackets":          {some(), []string{"[203.0.113.9]"}, peer},
		"an open bracket":           {some(), []string{"[2001:db9::1"}, peer},
		"something after a bracket": {some(), []string{"[2001:db9::1]x80"}, peer},
		"a zone":                    {some(), []string{"fe80::1%eth0"}, peer},
		"a number":                  {some(), []string{"3405803785"}, peer},
		"leading zeros":             {some(), []string{"203.000.113.009"}, peer},
		"a quoted string":           {some(), []string{`"203.0.113.9"`}, peer},
		"64 proxies":                {some(), []string{"203.0.113.9" + strings.Repeat(", 10.0.0.7", 63)}, "203.0.113.9"},
		"more than 64":              {some(), []string{"203.0.113.9" + strings.Repeat(", 10.0.0.7", 64)}, "10.0.0.7"},
		"more than 64 lines":        {some(), append([]string{"203.0.113.9"}, strings.Split(strings.Repeat("10.0.0.7|", 64), "|")...), "10.0.0.7"},
	} {
		t.Run(name, func(t *testing.T) {
			var lines []string
			for _, value := range test.chain {
				lines = append(lines, "X-Forwarded-For: "+value)
			}
			if info, _ := resolve(t, test.settings, lines...); info.Client != netip.MustParseAddr(test.want) {
				t.Errorf("got %s, want %s", info.Client, test.want)
			}
		})
	}
}

func TestSender(t *testing.T) {
	s := forwarded.Compile(&route.Table{Forwarded: some(), ProxyProtocol: true})
	header := proxyprotocol.Header{Source: netip.MustParseAddrPort("203.0.113.9:1"), Destination: netip.MustParseAddrPort("192.0.2.1:443")}
	for name, test := range map[string]struct {
		peer   string
		header proxyprotocol.Header
		want   string
	}{
		"trusted":       {"10.0.0.1", header, "203.0.113.9"},
		"not trusted":   {"198.51.100.1", header, "198.51.100.1"},
		"no addresses":  {"10.0.0.1", proxyprotocol.Header{}, "10.0.0.1"},
		"IPv4 as IPv6":  {"::ffff:10.0.0.1", header, "203.0.113.9"},
		"with a zone":   {"2001:db8::1%eth0", header, "203.0.113.9"},
		"own, a zone":   {"fe80::1%eth0", header, "fe80::1"},
		"own, unmapped": {"::ffff:198.51.100.1", header, "198.51.100.1"},
	} {
		if got := s.Sender(netip.MustParseAddr(test.peer), test.header); got != netip.MustParseAddr(test.want) {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
	// The chain has no say beside the PROXY protocol, and the rest only if the source of the header is trusted.
	for sender, scheme := range map[string]string{"10.0.0.1": "https", "203.0.113.9": "http"} {
		r := request(t, "X-Forwarded-For: 1.1.1.1", "X-Forwarded-Proto: https")
		info := s.Resolve(forwarded.NewConnection(netip.MustParseAddr(sender), "http", 80), r)
		if info.Client.String() != sender || info.Scheme != scheme {
			t.Errorf("%s: got %s, %s, want %s", sender, info.Client, info.Scheme, scheme)
		}
	}
}

func TestNoAllocation(t *testing.T) {
	full := some()
	full.ComputeFull = true
	for name, test := range map[string]struct {
		settings route.Forwarded
		lines    []string
	}{
		"no trust":         {route.Forwarded{}, []string{"Accept: */*", "Cookie: a=b"}},
		"no trust, claims": {route.Forwarded{}, []string{"X-Forwarded-For: 1.1.1.1", "X-Forwarded-Host: h", "Forwarded: for=x"}},
		"trust":            {full, []string{"X-Forwarded-For: 1.1.1.1, [2001:db9::1]:80, 10.0.0.7", "X-Forwarded-Proto: https", "X-Forwarded-Host: a, b"}},
	} {
		s := forwarded.Compile(&route.Table{Forwarded: test.settings})
		connection := forwarded.NewConnection(netip.MustParseAddr(peer), "https", 443)
		r, out := request(t, test.lines...), make([]byte, 0, 4<<10)
		allocations := testing.AllocsPerRun(100, func() {
			info := s.Resolve(connection, r)
			out = info.AppendLines(out[:0], r, []byte(id))
		})
		if allocations != 0 {
			t.Errorf("%s: %v allocations, want none", name, allocations)
		}
	}
}

// FuzzChain checks that whatever is in the fields, the client is an address that somebody has named, and that the
// lines for the endpoint are still lines.
func FuzzChain(f *testing.F) {
	f.Add("1.1.1.1, [::1]:80, 10.0.0.7", "a.test, b", "https, http")
	f.Add(",, unknown", "[::1]:80", "")
	f.Add("::ffff:1.2.3.4:5", ":", "HTTPS")
	f.Fuzz(func(t *testing.T, chain, host, proto string) {
		r := new(message.Request)
		head := "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: " + chain + "\r\nX-Forwarded-Host: " + host + "\r\nX-Forwarded-Proto: " + proto + "\r\n\r\n"
		if r.Parse([]byte(head), 100) != nil {
			return
		}
		settings := some()
		settings.ComputeFull = true
		s := forwarded.Compile(&route.Table{Forwarded: settings})
		info := s.Resolve(forwarded.NewConnection(netip.MustParseAddr(peer), "http", 80), r)
		if !info.Client.IsValid() || info.Client.Is4In6() || info.Client.Zone() != "" || info.Scheme != "http" && info.Scheme != "https" ||
			!message.ValidHost(info.Host) {
			t.Fatalf("got %+v", info)
		}
		if _, err := message.ParseFields(nil, info.AppendLines(nil, r, []byte(id)), 100); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkUntrusted(b *testing.B) { benchmark(b, route.Forwarded{}, "Accept: */*", "Cookie: a=b") }

func BenchmarkTrusted(b *testing.B) {
	benchmark(b, some(), "Accept: */*", "X-Forwarded-For: 203.0.113.9, 10.0.0.7", "X-Forwarded-Proto: https")
}

func benchmark(b *testing.B, settings route.Forwarded, lines ...string) {
	s := forwarded.Compile(&route.Table{Forwarded: settings})
	connection := forwarded.NewConnection(netip.MustParseAddr(peer), "https", 443)
	r, out := request(b, lines...), make([]byte, 0, 4<<10)
	b.ReportAllocs()
	for b.Loop() {
		info := s.Resolve(connection, r)
		out = info.AppendLines(out[:0], r, []byte(id))
	}
}

// TestRealIP takes the client's address from a trusted proxy, and nothing else.
func TestRealIP(t *testing.T) {
	settings := some()
	settings.TrustHeaders, settings.RealIP = false, true
	info, got := resolve(t, settings, "X-Forwarded-For: 203.0.113.5, 10.0.0.1", "X-Forwarded-Proto: https", "X-Forwarded-Host: other")
	want := block("h.example:80", "203.0.113.5", "203.0.113.5", "8080", "http")
	if info.Client.String() != "203.0.113.5" || info.Scheme != "http" || !strings.HasPrefix(got, want) {
		t.Errorf("got %v, %s, %q, want %q", info.Client, info.Scheme, got, want)
	}
	settings.TrustedProxies = networks("10.0.0.0/8") // the peer is not among them
	if info, _ := resolve(t, settings, "X-Forwarded-For: 203.0.113.5"); info.Client.String() != peer {
		t.Errorf("a peer that is not trusted: got %v", info.Client)
	}
}

func TestNoRequestID(t *testing.T) {
	s := forwarded.Compile(&route.Table{})
	r := request(t)
	info := s.Resolve(forwarded.NewConnection(netip.MustParseAddr(peer), "http", 8080), r)
	if got := string(info.AppendLines(nil, r, nil)); strings.Contains(got, "X-Request-ID") {
		t.Errorf("got %q", got)
	}
}
