package proxy_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/certs"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// certificate makes one with a common name and the given alternative names, for the given hosts of a table.
func certificate(t testing.TB, name string, alternatives, hosts []string) route.Certificate {
	t.Helper()
	made, err := certs.SelfSigned(name, alternatives...)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(made.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return route.Certificate{
		Origin: "default/" + name, Hosts: hosts,
		ChainPEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made.Certificate[0]}),
		KeyPEM:   pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
	}
}

// shakeHands returns what the proxy shows a client that asks for a server name.
func (s served) shakeHands(t testing.TB, config *tls.Config) tls.ConnectionState {
	t.Helper()
	config.InsecureSkipVerify = true
	conn, err := tls.Dial("tcp", s.secure, config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if config.ClientSessionCache != nil { // tickets come with the first reply
		conn.SetDeadline(time.Now().Add(5 * time.Second))
		io.WriteString(conn, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
		io.ReadAll(conn)
	}
	return conn.ConnectionState()
}

func TestCertificates(t *testing.T) {
	table := &route.Table{Certificates: []route.Certificate{
		certificate(t, "exact", nil, []string{"a.gyull.com"}),
		certificate(t, "wild", nil, []string{"*.gyull.com"}),
		certificate(t, "gyull.com", nil, nil), // only a common name, as in many a tutorial
		certificate(t, "names", []string{"one.example", "*.two.example"}, nil),
		certificate(t, "later", nil, []string{"a.gyull.com"}),
	}}
	s := serve(t, proxy.Config{}, table)
	served := func(serverName string) string {
		return s.shakeHands(t, &tls.Config{ServerName: serverName}).PeerCertificates[0].Subject.CommonName
	}
	for name, want := range map[string]string{
		"a.gyull.com": "exact", "A.Gyull.COM": "exact", "b.gyull.com": "wild", "gyull.com": "gyull.com",
		"x.y.gyull.com": certs.SelfMadeName, "one.example": "names", "x.two.example": "names",
		"other.example": certs.SelfMadeName, "": certs.SelfMadeName,
	} {
		if got := served(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
	fallback := certificate(t, "default", nil, nil)
	s.Apply(&route.Table{DefaultCertificate: &fallback})
	if got := served("a.gyull.com"); got != "default" {
		t.Errorf("after the swap: got %q", got)
	}
}

func TestTLSVersionsAndResumption(t *testing.T) {
	s := one(t, proxy.Config{}, named("x"))
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		config := &tls.Config{
			MinVersion: version, MaxVersion: version, ClientSessionCache: tls.NewLRUClientSessionCache(1), ServerName: "h",
		}
		if first := s.shakeHands(t, config); first.DidResume {
			t.Errorf("%s: the first session was resumed", tls.VersionName(version))
		}
		s.Apply(s.Table()) // sessions outlive tables
		if second := s.shakeHands(t, config); !second.DidResume {
			t.Errorf("%s: the second session was not resumed", tls.VersionName(version))
		}
	}
	_, err := tls.Dial("tcp", s.secure, &tls.Config{MaxVersion: tls.VersionTLS11, InsecureSkipVerify: true})
	if err == nil {
		t.Error("TLS 1.1 was accepted")
	}
}

func TestCertificateSwapDropsNoConnection(t *testing.T) {
	table := toAll(upstream("u", backend(t, named("x"))))
	table.Certificates = []route.Certificate{certificate(t, "first", nil, []string{"h"})}
	s := serve(t, proxy.Config{}, table)
	client := s.client(t)
	client.Transport.(*http.Transport).DisableKeepAlives = false
	ask := func() string {
		reply, err := client.Get("https://h/")
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, reply.Body)
		reply.Body.Close()
		return reply.TLS.PeerCertificates[0].Subject.CommonName
	}
	if got := ask(); got != "first" {
		t.Errorf("got %q", got)
	}
	next := *table
	next.Certificates = []route.Certificate{certificate(t, "second", nil, []string{"h"})}
	s.Apply(&next)
	if got := ask(); got != "first" {
		t.Errorf("the connection was not kept: got %q", got)
	}
	client.CloseIdleConnections()
	if got := ask(); got != "second" {
		t.Errorf("a new connection got %q", got)
	}
}

func TestRedirectAndHSTS(t *testing.T) {
	table := toAll(upstream("u", backend(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Strict-Transport-Security", "max-age=0")
	})))
	const hsts = "max-age=31536000; includeSubDomains"
	table.Hosts[0].Routes[0].Policies = []route.Policy{policy.RedirectToHTTPS{}, policy.HSTS{Value: hsts}}
	s := serve(t, proxy.Config{}, table)
	code, _, header := s.get(t, "http://Gyull.com:30080/a%2fb/../c?x=1&y")
	if got := header.Get("Location"); code != 308 || got != "https://Gyull.com/c?x=1&y" {
		t.Errorf("got %d to %q", code, got)
	}
	if header.Get("Strict-Transport-Security") != "" {
		t.Error("HSTS over plain text means nothing (RFC 6797 section 7.2)")
	}
	code, _, header = s.get(t, "https://gyull.com/")
	if got := header["Strict-Transport-Security"]; code != 200 || strings.Join(got, "|") != hsts {
		t.Errorf("got %d with %q", code, got)
	}
	if code, location := rawRedirect(t, s, "GET /x?\"<y>\xff%20% HTTP/1.1\r\nHost: h\r\n\r\n"); code != 308 ||
		location != "https://h/x?%22%3Cy%3E%FF%20%25" {
		t.Errorf("a query that is not one of a URI: got %d to %q", code, location)
	}
	for _, request := range []string{"GET /x HTTP/1.0\r\n\r\n", "GET /x HTTP/1.1\r\nHost:\r\n\r\n"} {
		if code, location := rawRedirect(t, s, request); code != 400 || location != "" {
			t.Errorf("%q, without a host: got %d to %q", request, code, location)
		}
	}
	table.Forwarded = route.Forwarded{TrustHeaders: true, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}}
	other := serve(t, proxy.Config{TLSPort: 30443}, table)
	if _, _, header = other.get(t, "http://gyull.com/"); header.Get("Location") != "https://gyull.com:30443/" {
		t.Errorf("got %q", header.Get("Location"))
	}
	_, _, header = other.get(t, "http://gyull.com/x", "X-Forwarded-Host", "Outer.example:8080")
	if got := header.Get("Location"); got != "https://Outer.example:30443/x" {
		t.Errorf("behind another proxy that names the host: got %q", got)
	}
	if code, _, _ = other.get(t, "http://gyull.com/", "X-Forwarded-Proto", "https"); code != 200 {
		t.Errorf("behind another proxy that speaks TLS: got %d", code)
	}
}

// rawRedirect sends a request as it is and returns status and Location of the reply.
func rawRedirect(t *testing.T, s served, request string) (code int, location string) {
	t.Helper()
	c := s.dial(t)
	c.send("%s", request)
	reply, _ := c.reply("GET")
	return reply.StatusCode, reply.Header.Get("Location")
}

func TestProtocolsOverTLS(t *testing.T) {
	s := one(t, proxy.Config{}, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Header.Get("X-Scheme")) })
	for _, want := range []string{"HTTP/2.0", "HTTP/1.1"} {
		client := s.client(t)
		client.Transport.(*http.Transport).ForceAttemptHTTP2 = want == "HTTP/2.0"
		request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "https://h/", nil)
		if err != nil {
			t.Fatal(err)
		}
		reply, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(reply.Body)
		reply.Body.Close()
		if reply.Proto != want || string(body) != "https" {
			t.Errorf("got %s, %q, want %s", reply.Proto, body, want)
		}
	}
}

// TestServerNameDecidesNothing asks, on a connection that was made for one name, for another: the Host field decides, as
// with ingress-nginx, over both protocols, and whichever certificate was shown.
func TestServerNameDecidesNothing(t *testing.T) {
	table := &route.Table{
		Hosts:        []route.Host{host("a.example", prefix("/", "a")), host("b.example", prefix("/", "b"))},
		Upstreams:    []route.Upstream{upstream("a", backend(t, named("a"))), upstream("b", backend(t, named("b")))},
		Certificates: []route.Certificate{certificate(t, "a", nil, []string{"a.example"}), certificate(t, "b", nil, []string{"b.example"})},
	}
	s := serve(t, proxy.Config{}, table)
	for _, isHTTP2 := range []bool{false, true} {
		for serverName, certificate := range map[string]string{"a.example": "a", "other.example": certs.SelfMadeName} {
			client := s.client(t)
			transport := client.Transport.(*http.Transport)
			transport.ForceAttemptHTTP2, transport.TLSClientConfig.ServerName = isHTTP2, serverName
			reply, err := client.Get("https://b.example/")
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(reply.Body)
			reply.Body.Close()
			shown := reply.TLS.PeerCertificates[0].Subject.CommonName
			if reply.StatusCode != http.StatusOK || string(body) != "b" || shown != certificate || (reply.ProtoMajor == 2) != isHTTP2 {
				t.Errorf("%s, HTTP/2 %t: got %d, %q, with certificate %q", serverName, isHTTP2, reply.StatusCode, body, shown)
			}
		}
	}
}

// oneSession is a cache that gives every server the session of the first.
type oneSession struct{ session *tls.ClientSessionState }

func (o *oneSession) Get(string) (*tls.ClientSessionState, bool) { return o.session, o.session != nil }
func (o *oneSession) Put(_ string, session *tls.ClientSessionState) {
	if o.session == nil {
		o.session = session
	}
}

// TestResumptionUnderAnotherName takes the session of one name to another: it is resumed, which is harmless because no
// client is identified by a certificate, and requests go by their Host field all the same.
func TestResumptionUnderAnotherName(t *testing.T) {
	table := &route.Table{
		Hosts:     []route.Host{host("a.example", prefix("/", "a")), host("b.example", prefix("/", "b"))},
		Upstreams: []route.Upstream{upstream("a", backend(t, named("a"))), upstream("b", backend(t, named("b")))},
	}
	s := serve(t, proxy.Config{}, table)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		cache := new(oneSession)
		ask := func(name string) (resumed bool, reply string) {
			conn, err := tls.Dial("tcp", s.secure, &tls.Config{
				InsecureSkipVerify: true, MinVersion: version, MaxVersion: version, ClientSessionCache: cache, ServerName: name,
			})
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(20 * time.Second))
			io.WriteString(conn, "GET / HTTP/1.1\r\nHost: "+name+"\r\nConnection: close\r\n\r\n")
			text, _ := io.ReadAll(conn)
			return conn.ConnectionState().DidResume, string(text)
		}
		if resumed, reply := ask("a.example"); resumed || !strings.HasSuffix(reply, "\r\n\r\na") {
			t.Errorf("%s: first, got %t, %q", tls.VersionName(version), resumed, reply)
		}
		if resumed, reply := ask("b.example"); !resumed || !strings.HasSuffix(reply, "\r\n\r\nb") {
			t.Errorf("%s: under another name, got %t, %q", tls.VersionName(version), resumed, reply)
		}
	}
}

// TestCurvesAndTickets restricts the key exchange, and sends no tickets, for a host.
func TestCurvesAndTickets(t *testing.T) {
	s := serve(t, proxy.Config{}, &route.Table{ClientTLS: []route.HostTLS{
		{Host: "curve.test", TLS: route.ClientTLS{Curves: []tls.CurveID{tls.CurveP384}}},
		{Host: "tickets.test", TLS: route.ClientTLS{NoTickets: true}},
	}})
	connect := func(name string, version uint16, cache tls.ClientSessionCache, curves ...tls.CurveID) (tls.ConnectionState, error) {
		conn, err := tls.Dial("tcp", s.secure, &tls.Config{
			InsecureSkipVerify: true, MinVersion: version, MaxVersion: version, ClientSessionCache: cache, ServerName: name, CurvePreferences: curves,
		})
		if err != nil {
			return tls.ConnectionState{}, err
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(20 * time.Second))
		io.WriteString(conn, "GET / HTTP/1.1\r\nHost: "+name+"\r\nConnection: close\r\n\r\n")
		io.ReadAll(conn) // the tickets of TLS 1.3 come with the reply
		return conn.ConnectionState(), nil
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		if state, err := connect("curve.test", version, nil); err != nil || state.CurveID != tls.CurveP384 {
			t.Errorf("%s: got the curve %s, %v", tls.VersionName(version), state.CurveID, err)
		}
		if state, err := connect("curve.test", version, nil, tls.X25519); err == nil {
			t.Errorf("%s: a client without the curve got %s", tls.VersionName(version), state.CurveID)
		}
		if state, err := connect("other.test", version, nil, tls.X25519); err != nil || state.CurveID != tls.X25519 {
			t.Errorf("%s: another host got %s, %v", tls.VersionName(version), state.CurveID, err)
		}
		for name, resumed := range map[string]bool{"tickets.test": false, "other.test": true} {
			cache := tls.NewLRUClientSessionCache(1)
			_, err := connect(name, version, cache)
			state, again := connect(name, version, cache)
			if err != nil || again != nil || state.DidResume != resumed {
				t.Errorf("%s of %s: resumed %t, %v, %v", tls.VersionName(version), name, state.DidResume, err, again)
			}
		}
	}
}

// TestClientTLS restricts versions and ciphers, for a host and for all others.
func TestClientTLS(t *testing.T) {
	const gcm, cbc = tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA
	s := serve(t, proxy.Config{}, &route.Table{ClientTLS: []route.HostTLS{
		{Host: "", TLS: route.ClientTLS{MaxVersion: tls.VersionTLS12}},
		{Host: "new.test", TLS: route.ClientTLS{MinVersion: tls.VersionTLS13}},
		{Host: "*.wild.test", TLS: route.ClientTLS{MaxVersion: tls.VersionTLS12, Ciphers: []uint16{cbc}}},
		{Host: "old.test", TLS: route.ClientTLS{MinVersion: tls.VersionTLS10}},
	}})
	for _, c := range []struct {
		name           string
		newest         uint16 // that the client has
		offers         []uint16
		version, suite uint16 // 0: no connection
	}{
		{"other.test", tls.VersionTLS13, nil, tls.VersionTLS12, 0}, {"", tls.VersionTLS13, nil, tls.VersionTLS12, 0},
		{"other.test", tls.VersionTLS11, nil, 0, 0}, {"New.test.", tls.VersionTLS13, nil, tls.VersionTLS13, 0}, {"new.test", tls.VersionTLS12, nil, 0, 0},
		{"a.wild.test", tls.VersionTLS13, []uint16{gcm, cbc}, tls.VersionTLS12, cbc}, {"a.wild.test", tls.VersionTLS12, []uint16{gcm}, 0, 0},
		{"other.test", tls.VersionTLS12, []uint16{gcm, cbc}, tls.VersionTLS12, gcm}, {"old.test", tls.VersionTLS10, nil, tls.VersionTLS10, 0},
	} {
		conn, err := tls.Dial("tcp", s.secure, &tls.Config{
			ServerName: c.name, InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: c.newest, CipherSuites: c.offers,
		})
		if err != nil {
			if c.version != 0 {
				t.Errorf("%+v: %v", c, err)
			}
			continue
		}
		state := conn.ConnectionState()
		conn.Close()
		if state.Version != c.version || c.suite != 0 && state.CipherSuite != c.suite {
			t.Errorf("%+v: got %s with %s", c, tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite))
		}
	}
}
