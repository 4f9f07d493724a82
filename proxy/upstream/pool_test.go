package upstream

import (
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/proxy/upstream/tlsprofile"
)

// open begins calls that use a connection each.
func open(t *testing.T, pool *Pool, n int) []Reply {
	t.Helper()
	replies := make([]Reply, n)
	for i := range replies {
		reply, err := pool.RoundTrip(newCall(t, get), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		replies[i] = reply
	}
	return replies
}

// finish ends a call well.
func finish(t *testing.T, reply Reply) conn {
	t.Helper()
	c := reply.(conn)
	if got := read(reply); got.err != nil {
		t.Fatal(got)
	}
	if err := reply.Close(); err != nil {
		t.Fatal(err)
	}
	return c
}

func isClosed(c conn) bool { return c.base().NetConn().SetDeadline(time.Time{}) != nil }

func okPool(t *testing.T) *Pool {
	return listen(t, route.HTTP1, func(_ int, conn net.Conn) {
		answer(conn, func(int, *http.Request) string { return okReply })
	})
}

func TestLastUsedComesFirst(t *testing.T) {
	pool := okPool(t)
	pool.options.MaxIdle = 2
	replies := open(t, pool, 3)
	first, second, third := finish(t, replies[0]), finish(t, replies[1]), finish(t, replies[2])
	if !isClosed(third) {
		t.Error("more connections are kept than there should be")
	}
	for _, want := range []conn{second, first} {
		if got := pool.pop(time.Now()); got != want {
			t.Errorf("got %p, want %p", got, want)
		}
	}
	if pool.pop(time.Now()) != nil {
		t.Error("there is another connection")
	}
	first.abort()
	second.abort()
}

func TestOwnConnection(t *testing.T) {
	for name, pool := range map[string]*Pool{"HTTP/1.1": okPool(t), "HTTP/2": listen(t, route.H2C, func(_ int, conn net.Conn) { serveFrames(t, conn) })} {
		kept := finish(t, open(t, pool, 1)[0])
		call := newCall(t, get)
		call.OwnConnection = true
		reply, err := pool.RoundTrip(call, time.Now())
		if err != nil {
			t.Fatal(name, err)
		}
		if own := finish(t, reply); own == kept || !isClosed(own) {
			t.Errorf("%s: the call has used a kept connection, or its own is kept", name)
		}
		if pool.pop(time.Now()) != kept {
			t.Errorf("%s: the kept connection is not there for the next call", name)
		}
		kept.abort()
	}
}

func TestOldConnectionsAreClosed(t *testing.T) {
	pool := okPool(t)
	replies := open(t, pool, 2)
	old, young := finish(t, replies[0]), finish(t, replies[1])
	now := time.Now()
	pool.idle[0].since = now.Add(-2 * time.Minute)
	pool.expire(now)
	if !isClosed(old) || isClosed(young) {
		t.Error("age decides wrongly")
	}
	if pool.pop(now.Add(2*time.Minute)) != nil {
		t.Error("a connection that has grown old is given")
	}
}

func TestRegistryExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := newRegistry(nil)
		pool := registry.Pool(Key{}, tlsprofile.Profile{})
		here, there := net.Pipe()
		defer there.Close()
		c := newHTTP1(pool)
		if err := c.link.Connect(t.Context(), here, nil); err != nil {
			t.Fatal(err)
		}
		pool.put(c)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			registry.Expire(ctx)
			close(done)
		}()
		time.Sleep(registry.options.MaxAge - time.Second)
		synctest.Wait()
		if isClosed(c) {
			t.Error("a connection was closed too early")
		}
		time.Sleep(registry.options.MaxAge/4 + 2*time.Second)
		synctest.Wait()
		if !isClosed(c) || len(pool.idle) > 0 {
			t.Error("a connection was not closed in time")
		}
		cancel()
		<-done
	})
}

func TestPoolsThatLeave(t *testing.T) {
	registry := newRegistry(nil)
	pool := okPool(t)
	key := Key{TLS: "x"}
	registry.pools[key] = pool
	replies := open(t, pool, 2)
	idle := finish(t, replies[0])
	if registry.Pool(key, tlsprofile.Profile{}) != pool {
		t.Error("a key has two pools")
	}
	registry.Keep(func(Key) bool { return false })
	if !isClosed(idle) || isClosed(replies[1].(conn)) {
		t.Error("idle connections stay, or those in use don't")
	}
	if !isClosed(finish(t, replies[1])) {
		t.Error("a connection is kept for an endpoint that has left")
	}
	if registry.Pool(key, tlsprofile.Profile{}) == pool {
		t.Error("the endpoint came back to its old pool")
	}
}

func TestKeysDiffer(t *testing.T) {
	keys := make(map[Key]bool)
	for _, settings := range []*route.TLS{
		nil, {ServerName: "a"}, {ServerName: "a", SendServerName: true}, {ServerName: "b", SendServerName: true},
	} {
		for _, protocol := range []route.Protocol{route.HTTPS, route.H2} {
			profile, err := tlsprofile.New(protocol, settings)
			if err != nil {
				t.Fatal(err)
			}
			again, err := tlsprofile.New(protocol, settings)
			if err != nil || again.Identity != profile.Identity || !profile.Secure() {
				t.Errorf("the same settings have identities %q and %q, %v", profile.Identity, again.Identity, err)
			}
			key := NewKey(Key{}.Address, protocol, profile)
			if keys[key] {
				t.Errorf("%v %+v shares a key", protocol, settings)
			}
			keys[key] = true
		}
	}
	for _, protocol := range []route.Protocol{route.HTTP1, route.H2C} {
		profile, err := tlsprofile.New(protocol, &route.TLS{Verify: true})
		key := NewKey(Key{}.Address, protocol, profile)
		if err != nil || keys[key] || profile.Secure() {
			t.Errorf("%v shares a key, or is secure: %v", protocol, err)
		}
		keys[key] = true
	}
}

// What can't be looked at before it is used again is not kept.
func TestUnknownConnectionsAreNotKept(t *testing.T) {
	dialled := 0
	pool := okPool(t)
	dial := pool.options.Dial
	pool.options.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		dialled++
		conn, err := dial(ctx, network, address)
		return struct{ net.Conn }{conn}, err
	}
	for range 2 {
		if got := do(pool, newCall(t, get)); got.err != nil {
			t.Error(got)
		}
	}
	if dialled != 2 || len(pool.idle) > 0 {
		t.Errorf("%d connections were made, %d are kept", dialled, len(pool.idle))
	}
}

// listenTLS makes a pool of an endpoint that shows a certificate, and answers with what the connection has agreed on.
func listenTLS(t *testing.T, protocol route.Protocol, settings *route.TLS, config *tls.Config) (*Pool, chan tls.ConnectionState) {
	states := make(chan tls.ConnectionState, 10)
	pool := listen(t, protocol, func(_ int, conn net.Conn) {
		secure := tls.Server(conn, config)
		if secure.Handshake() != nil {
			return
		}
		states <- secure.ConnectionState()
		answer(secure, func(int, *http.Request) string {
			return "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
		})
	})
	profile, err := tlsprofile.New(protocol, settings)
	if err != nil {
		t.Fatal(err)
	}
	return newPool(Key{Address: netip.MustParseAddrPort(pool.Address), HTTP2: protocol.HTTP2()}, pool.options, profile), states
}

func pemOf(certificate tls.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]})
}

func TestTLSProfiles(t *testing.T) {
	certificate, other := newCertificate(t), newCertificate(t)
	key, err := x509.MarshalECPrivateKey(other.PrivateKey.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	own := &route.Certificate{ChainPEM: pemOf(other), KeyPEM: pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: key})}
	for name, c := range map[string]struct {
		settings *route.TLS
		fails    bool
		sni      string
		shown    int
	}{
		"anything":           {settings: nil},
		"a name":             {settings: &route.TLS{ServerName: "a", SendServerName: true}, sni: "a"},
		"verified":           {settings: &route.TLS{ServerName: "endpoint", Verify: true, RootsPEM: pemOf(certificate)}},
		"another name":       {settings: &route.TLS{ServerName: "a", Verify: true, RootsPEM: pemOf(certificate)}, fails: true},
		"another root":       {settings: &route.TLS{ServerName: "endpoint", Verify: true, RootsPEM: pemOf(other)}, fails: true},
		"an own certificate": {settings: &route.TLS{Certificate: own}, shown: 1},
	} {
		t.Run(name, func(t *testing.T) {
			pool, states := listenTLS(t, route.HTTPS, c.settings, &tls.Config{
				Certificates: []tls.Certificate{certificate}, ClientAuth: tls.RequestClientCert,
			})
			call := newCall(t, get)
			got := do(pool, call)
			if c.fails {
				if got.err == nil || !call.Retryable(got.err) {
					t.Errorf("got %v", got)
				}
				return
			}
			if got.err != nil {
				t.Fatal(got)
			}
			state := <-states
			if state.ServerName != c.sni || len(state.PeerCertificates) != c.shown || state.DidResume {
				t.Errorf("the endpoint saw the name %q and %d certificates", state.ServerName, len(state.PeerCertificates))
			}
			if got := do(pool, call); got.err != nil {
				t.Error(got)
			}
			if state := <-states; !state.DidResume {
				t.Error("the session was not resumed")
			}
		})
	}
	for name, settings := range map[string]*route.TLS{
		"no name": {Verify: true, RootsPEM: pemOf(certificate)}, "no root": {Verify: true, ServerName: "a"},
		"a wrong key": {Certificate: &route.Certificate{ChainPEM: pemOf(certificate), KeyPEM: own.KeyPEM}},
	} {
		if _, err := tlsprofile.New(route.HTTPS, settings); err == nil {
			t.Errorf("%s: it is served", name)
		}
	}
}

// HTTP/2 over TLS must be agreed on.
func TestNoHTTP2(t *testing.T) {
	pool, _ := listenTLS(t, route.H2, nil, &tls.Config{Certificates: []tls.Certificate{newCertificate(t)}})
	call := newCall(t, post)
	if got := do(pool, call); !errors.Is(got.err, errNoHTTP2) || !call.Retryable(got.err) {
		t.Errorf("got %v", got)
	}
}

// An endpoint that refuses connections was not sent anything.
func TestRefusedConnection(t *testing.T) {
	pool := newRegistry(func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("refused")
	}).Pool(Key{}, tlsprofile.Profile{})
	call := newCall(t, post)
	got := do(pool, call)
	var failed *Error
	if !errors.As(got.err, &failed) || failed.Sent || !call.Retryable(got.err) {
		t.Errorf("got %v", got)
	}
}

// An endpoint that closes a new connection, or speaks first, was not sent anything either.
func TestUnwillingEndpoint(t *testing.T) {
	for name, text := range map[string]string{"closes": "", "speaks": "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"} {
		ready := make(chan struct{}, 1)
		pool := listen(t, route.HTTP1, func(_ int, conn net.Conn) {
			conn.Write([]byte(text))
			conn.(*net.TCPConn).CloseWrite()
			ready <- struct{}{}
			readAll(conn)
		})
		dial := pool.options.Dial
		pool.options.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			<-ready
			return conn, err
		}
		call := newCall(t, post)
		got := do(pool, call)
		if got.err == nil || !call.Retryable(got.err) {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func readAll(conn net.Conn) {
	for buffer := make([]byte, 1024); ; {
		if _, err := conn.Read(buffer); err != nil {
			return
		}
	}
}
