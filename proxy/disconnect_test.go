package proxy_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// thinking is an endpoint that answers /quick, and waits with all else until nobody wants it any more.
type thinking struct {
	asked    atomic.Int32
	arrived  chan struct{} // one element for each request that waits
	canceled chan struct{} // one for each of them that was given up
}

func newThinking() *thinking {
	return &thinking{arrived: make(chan struct{}, 8), canceled: make(chan struct{}, 8)}
}

func (e *thinking) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/quick" {
		return
	}
	if r.URL.Path == "/begun" {
		io.WriteString(w, "x")
		w.(http.Flusher).Flush()
	}
	e.asked.Add(1)
	e.arrived <- struct{}{}
	<-r.Context().Done()
	e.canceled <- struct{}{}
}

// TestClientThatGoesAwayWhileTheEndpointThinks checks that the endpoint is told, that no other is asked, and what the
// access log says, however the client goes: with a reset, or with no more than the end of what it sends.
func TestClientThatGoesAwayWhileTheEndpointThinks(t *testing.T) {
	reset := func(conn net.Conn) {
		if encrypted, is := conn.(*tls.Conn); is {
			conn = encrypted.NetConn()
		}
		conn.(*net.TCPConn).SetLinger(0)
		conn.Close()
	}
	closed := func(conn net.Conn) { conn.Close() }
	for _, protocol := range []route.Protocol{route.HTTP1, route.H2C} {
		for _, secure := range []bool{false, true} {
			for how, leave := range map[string]func(net.Conn){"reset": reset, "close": closed} {
				t.Run(strings.Join([]string{protocol.String(), map[bool]string{false: "http", true: "https"}[secure], how}, " "), func(t *testing.T) {
					t.Parallel()
					log, endpoint := &lines{}, newThinking()
					s := serveThinking(t, log, endpoint, protocol)
					conn, err := net.Dial("tcp", s.plain)
					if secure {
						conn, err = tls.Dial("tcp", s.secure, &tls.Config{InsecureSkipVerify: true})
					}
					if err != nil {
						t.Fatal(err)
					}
					io.WriteString(conn, "GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
					endpoint.await(t)
					leave(conn)
					endpoint.wasGivenUp(t, log)
				})
			}
		}
	}
}

// TestClientThatGoesAwayOnceTheReplyHasBegun has an endpoint that falls silent in the middle of its reply.
func TestClientThatGoesAwayOnceTheReplyHasBegun(t *testing.T) {
	log, endpoint := &lines{}, newThinking()
	s := serveThinking(t, log, endpoint, route.HTTP1)
	c := s.dial(t)
	c.send("GET /begun HTTP/1.1\r\nHost: h\r\n\r\n")
	endpoint.await(t)
	c.Conn.(*net.TCPConn).SetLinger(0)
	c.Close()
	endpoint.wasGivenUp(t, log)
}

func TestHTTP2ClientThatGoesAwayIsLogged(t *testing.T) {
	for _, protocol := range []route.Protocol{route.HTTP1, route.H2C} {
		log, endpoint := &lines{}, newThinking()
		s := serveThinking(t, log, endpoint, protocol)
		f := s.frames(t)
		f.get(1)
		endpoint.await(t)
		f.WriteRSTStream(1, http2.ErrCodeCancel)
		endpoint.wasGivenUp(t, log)
	}
}

// serveThinking has three endpoints that could be asked, each with a connection that is kept from a request before.
func serveThinking(t *testing.T, log *lines, endpoint *thinking, protocol route.Protocol) served {
	u := route.Upstream{Name: "u", Protocol: protocol}
	for range 3 {
		if protocol == route.H2C {
			u.Endpoints = append(u.Endpoints, h2c(t, endpoint.ServeHTTP).Upstreams[0].Endpoints...)
		} else {
			u.Endpoints = append(u.Endpoints, backend(t, endpoint.ServeHTTP))
		}
	}
	s := serve(t, proxy.Config{AccessLog: log}, toAll(u))
	for i := range 3 {
		s.get(t, "http://h/quick")
		log.wait(t, i+1) // a line is written after its reply
	}
	return s
}

func (e *thinking) await(t *testing.T) {
	t.Helper()
	select {
	case <-e.arrived:
	case <-time.After(clientLimit):
		t.Fatal("no request arrived at an endpoint")
	}
}

func (e *thinking) wasGivenUp(t *testing.T, log *lines) {
	t.Helper()
	select {
	case <-e.canceled:
	case <-time.After(5 * time.Second):
		t.Fatal("the endpoint still works for a client that has gone away")
	}
	if line := log.wait(t, 4)[3]; !strings.Contains(line, `"status":499`) || !strings.Contains(line, `"attempts":1`) {
		t.Errorf("the access log says %s", line)
	}
	if asked := e.asked.Load(); asked != 1 {
		t.Errorf("endpoints were asked %d times", asked)
	}
}

// TestHalfCloseWhileTheEndpointThinks has clients that send no more but await the reply, for longer than it takes to
// look after them.
func TestHalfCloseWhileTheEndpointThinks(t *testing.T) {
	s := one(t, proxy.Config{}, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(1500 * time.Millisecond):
			io.WriteString(w, r.URL.Path)
		case <-r.Context().Done():
		}
	})
	for version, requests := range map[string]int{"1.0": 1, "1.1": 2} { // the second is pipelined
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			c := s.dial(t)
			for i := range requests {
				c.send("GET /%d HTTP/%s\r\nHost: h\r\n\r\n", i, version)
			}
			if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			for i := range requests {
				reply, body := c.reply("GET")
				if reply.StatusCode == http.StatusContinue && version != "1.0" {
					reply, body = c.reply("GET")
				}
				if want := "/" + string(rune('0'+i)); reply.StatusCode != http.StatusOK || body != want {
					t.Errorf("got %v, %q, want %q", reply, body, want)
				}
			}
			c.ended()
		})
	}
}

// TestPatientClients have their replies as they are, pipelined requests included.
func TestPatientClients(t *testing.T) {
	s := one(t, proxy.Config{}, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(time.Second):
		case <-r.Context().Done():
		}
	})
	c := s.dial(t)
	c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n")
	for range 2 {
		if reply, _ := c.reply("GET"); reply.StatusCode != http.StatusOK {
			t.Errorf("got %v", reply)
		}
	}
}
