package proxy_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// secureEndpoint speaks HTTP/1.1 and HTTP/2 over TLS, and counts.
type secureEndpoint struct {
	route.Endpoint
	server      *httptest.Server
	connections atomic.Int32
	resumed     atomic.Int32
}

// newSecureEndpoint answers with the protocol, the server name that was sent, and the name of the client's certificate.
func newSecureEndpoint(t testing.TB, config *tls.Config) *secureEndpoint {
	e := &secureEndpoint{}
	e.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown := ""
		if len(r.TLS.PeerCertificates) > 0 {
			shown = r.TLS.PeerCertificates[0].Subject.CommonName
		}
		if r.TLS.DidResume {
			e.resumed.Add(1)
		}
		io.Copy(io.Discard, r.Body)
		fmt.Fprintf(w, "%s sni=%q client=%q", r.Proto, r.TLS.ServerName, shown)
	}))
	e.server.TLS = config
	e.server.EnableHTTP2 = true
	e.server.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes are broken off on purpose
	e.server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			e.connections.Add(1)
		}
	}
	e.server.StartTLS()
	t.Cleanup(e.server.Close)
	e.Endpoint = endpoint(e.server.Listener.Addr())
	return e
}

func secureTable(protocol route.Protocol, settings *route.TLS, endpoints ...route.Endpoint) *route.Table {
	return toAll(route.Upstream{Name: "u", Protocol: protocol, TLS: settings, Endpoints: endpoints})
}

func TestTLSToEndpoints(t *testing.T) {
	issuer, root := newAuthority(t, 1)
	_, strange := newAuthority(t, 0)
	clients, clientRoot := newAuthority(t, 0)
	clientRoots := x509.NewCertPool()
	clientRoots.AppendCertsFromPEM(clientRoot)
	e := newSecureEndpoint(t, &tls.Config{
		Certificates: []tls.Certificate{issuer.issue("svc.example")},
		ClientAuth:   tls.VerifyClientCertIfGiven, ClientCAs: clientRoots,
	})
	for name, c := range map[string]struct {
		settings *route.TLS
		want     string // "" is 502
	}{
		"nothing asked for": {nil, `sni="" client=""`},
		"name sent":         {&route.TLS{ServerName: "any.example", SendServerName: true}, `sni="any.example" client=""`},
		"name not sent":     {&route.TLS{ServerName: "any.example"}, `sni="" client=""`},
		"certificate shown": {&route.TLS{Certificate: asPEM(t, clients.issue("proxy"))}, `sni="" client="proxy"`},
		"verified":          {&route.TLS{Verify: true, VerifyDepth: 1, ServerName: "svc.example", RootsPEM: root}, `sni="" client=""`},
		"verified and sent": {
			&route.TLS{Verify: true, VerifyDepth: 1, ServerName: "svc.example", SendServerName: true, RootsPEM: root},
			`sni="svc.example" client=""`,
		},
		"another name":   {&route.TLS{Verify: true, VerifyDepth: 1, ServerName: "other.example", RootsPEM: root}, ""},
		"another root":   {&route.TLS{Verify: true, VerifyDepth: 1, ServerName: "svc.example", RootsPEM: strange}, ""},
		"chain too long": {&route.TLS{Verify: true, VerifyDepth: 0, ServerName: "svc.example", RootsPEM: root}, ""},
	} {
		for protocol, text := range map[route.Protocol]string{route.HTTPS: "HTTP/1.1", route.H2: "HTTP/2.0"} {
			t.Run(name+" "+protocol.String(), func(t *testing.T) {
				s := serve(t, proxy.Config{}, secureTable(protocol, c.settings, e.Endpoint))
				for _, scheme := range []string{"http", "https"} {
					code, body, _ := s.get(t, scheme+"://h/")
					switch {
					case c.want == "" && code != http.StatusBadGateway:
						t.Errorf("got %d %q, want 502", code, body)
					case c.want != "" && body != text+" "+c.want:
						t.Errorf("got %d %q, want %q", code, body, text+" "+c.want)
					}
				}
			})
		}
	}
}

// TestVersionsAndCiphersToEndpoints restricts what an endpoint is offered, which has TLS 1.2 and one cipher.
func TestVersionsAndCiphersToEndpoints(t *testing.T) {
	const only, other = tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
	issuer, _ := newAuthority(t, 0)
	e := newSecureEndpoint(t, &tls.Config{
		Certificates: []tls.Certificate{issuer.issue("svc.example")}, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{only},
	})
	for name, c := range map[string]struct {
		settings route.TLS
		status   int
	}{
		"nothing":               {route.TLS{}, http.StatusOK},
		"its version":           {route.TLS{MaxVersion: tls.VersionTLS12}, http.StatusOK},
		"another version":       {route.TLS{MinVersion: tls.VersionTLS13}, http.StatusBadGateway},
		"an older version":      {route.TLS{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, http.StatusBadGateway},
		"its cipher":            {route.TLS{Ciphers: []uint16{only}}, http.StatusOK},
		"another cipher":        {route.TLS{Ciphers: []uint16{other}}, http.StatusBadGateway},
		"no cipher of TLS 1.2":  {route.TLS{Ciphers: []uint16{}}, http.StatusBadGateway},
		"its cipher and others": {route.TLS{Ciphers: []uint16{other, only}}, http.StatusOK},
	} {
		s := serve(t, proxy.Config{}, secureTable(route.HTTPS, &c.settings, e.Endpoint))
		if code, body, _ := s.get(t, "http://h/"); code != c.status {
			t.Errorf("%s: got %d %q, want %d", name, code, body, c.status)
		}
	}
}

// TestTLSConnectionsAreKept sends many requests: they need one connection, and what follows its end a shorter handshake.
func TestTLSConnectionsAreKept(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, protocol := range []route.Protocol{route.HTTPS, route.H2} {
			t.Run(tls.VersionName(version)+" "+protocol.String(), func(t *testing.T) {
				issuer, root := newAuthority(t, 0)
				e := newSecureEndpoint(t, &tls.Config{Certificates: []tls.Certificate{issuer.issue("h")}, MaxVersion: version})
				settings := func() *route.TLS { return &route.TLS{Verify: true, ServerName: "h", RootsPEM: root} }
				var connections connections
				s := serve(t, proxy.Config{DialContext: connections.DialContext}, secureTable(protocol, settings(), e.Endpoint))
				c := s.dial(t) // its next request is read when the endpoint's connection has been given back
				post := func() {
					t.Helper()
					c.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi")
					if reply, body := c.reply("POST"); reply.StatusCode != http.StatusOK {
						t.Fatalf("got %v, %q", reply, body)
					}
				}
				for range 10 {
					post()
				}
				s.Apply(secureTable(protocol, settings(), e.Endpoint)) // the same again
				post()
				if n := e.connections.Load(); n != 1 {
					t.Errorf("%d connections were made", n)
				}
				e.server.CloseClientConnections()
				connections.awaitReadable(t, 0) // a POST must notice
				post()
				if n, resumed := e.connections.Load(), e.resumed.Load(); n != 2 || resumed != 1 {
					t.Errorf("%d connections were made, %d requests came over resumed sessions", n, resumed)
				}
				// Whoever asks for something else must not get a connection that was made without it.
				strict := settings()
				strict.ServerName = "other"
				s.Apply(secureTable(protocol, strict, e.Endpoint))
				if code, _, _ := s.get(t, "http://h/"); code != http.StatusBadGateway {
					t.Errorf("an unverified connection was used: %d", code)
				}
			})
		}
	}
}

// TestTLSHandshakesThatFail go on to another endpoint, also with a body, because the request was not sent.
func TestTLSHandshakesThatFail(t *testing.T) {
	plain := scripted(t, func(conn net.Conn, in *bufio.Reader) { io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n") })
	issuer, _ := newAuthority(t, 0)
	good := newSecureEndpoint(t, &tls.Config{Certificates: []tls.Certificate{issuer.issue("h")}})
	for _, protocol := range []route.Protocol{route.HTTPS, route.H2} {
		s := serve(t, proxy.Config{}, secureTable(protocol, nil, plain, good.Endpoint))
		for range 4 {
			c := s.dial(t)
			c.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi")
			if reply, body := c.reply("POST"); reply.StatusCode != http.StatusOK {
				t.Errorf("%s: got %v, %q", protocol, reply, body)
			}
		}
		s.Apply(secureTable(protocol, nil, plain))
		if code, _, _ := s.get(t, "http://h/"); code != http.StatusBadGateway {
			t.Errorf("%s: got %d", protocol, code)
		}
	}
}

// TestH2WantsALPN has an endpoint that speaks TLS, but not HTTP/2.
func TestH2WantsALPN(t *testing.T) {
	issuer, _ := newAuthority(t, 0)
	listener := listen(t)
	server := &http.Server{Handler: named("x")}
	go server.Serve(tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{issuer.issue("h")}}))
	t.Cleanup(func() { server.Close() })
	s := serve(t, proxy.Config{}, secureTable(route.H2, nil, endpoint(listener.Addr())))
	if code, _, _ := s.get(t, "http://h/"); code != http.StatusBadGateway {
		t.Errorf("got %d", code)
	}
}

// TestTLSSettingsThatCannotWork are told and closed, not passed over.
func TestTLSSettingsThatCannotWork(t *testing.T) {
	e := newSecureEndpoint(t, &tls.Config{})
	for name, settings := range map[string]*route.TLS{
		"no name":         {Verify: true, RootsPEM: certificate(t, "root", nil, nil).ChainPEM},
		"no root":         {Verify: true, ServerName: "h"},
		"bad root":        {Verify: true, ServerName: "h", RootsPEM: []byte("x")},
		"bad certificate": {Certificate: &route.Certificate{ChainPEM: []byte("x"), KeyPEM: []byte("y")}},
	} {
		s := serve(t, proxy.Config{}, &route.Table{})
		for range 2 { // the second time nothing has changed
			if problems := s.Apply(secureTable(route.HTTPS, settings, e.Endpoint)); len(problems) != 1 {
				t.Errorf("%s: got the problems %v", name, problems)
			}
			if code, _, _ := s.get(t, "http://h/"); code != http.StatusServiceUnavailable {
				t.Errorf("%s: got %d", name, code)
			}
		}
	}
	if n := e.connections.Load(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

// TestTunnelOverTLS changes protocols at an endpoint that speaks TLS, and ends one direction before the other.
func TestTunnelOverTLS(t *testing.T) {
	issuer, _ := newAuthority(t, 0)
	secure := tls.NewListener(listen(t), &tls.Config{Certificates: []tls.Certificate{issuer.issue("h")}})
	plain := listen(t)
	var group sync.WaitGroup
	for _, listener := range []net.Listener{secure, plain} {
		group.Go(func() {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			in := bufio.NewReader(conn)
			readHead(in)
			io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
			all, _ := io.ReadAll(in) // until the client has ended its side
			fmt.Fprintf(conn, "got %s", all)
		})
		t.Cleanup(func() { listener.Close() })
	}
	for protocol, listener := range map[route.Protocol]net.Listener{route.HTTPS: secure, route.HTTP1: plain} {
		s := serve(t, proxy.Config{}, secureTable(protocol, nil, endpoint(listener.Addr())))
		c := s.dial(t)
		c.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
		if reply, _ := c.reply("GET"); reply.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("%s: got %v", protocol, reply)
		}
		c.send("everything")
		c.Conn.(*net.TCPConn).CloseWrite()
		if got, err := io.ReadAll(c.in); string(got) != "got everything" {
			t.Errorf("%s: got %q, %v", protocol, got, err)
		}
	}
	group.Wait()
}
