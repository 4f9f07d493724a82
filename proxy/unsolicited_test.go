package proxy_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// unsolicitedRounds is how many requests each of the following tests sends for each kind of reply and transport. Set
// PROXY_UNSOLICITED_ROUNDS=10000 for the full number, which takes minutes, and is best run with -race:
//
//	PROXY_UNSOLICITED_ROUNDS=10000 go test -race -timeout 60m -run Unsolicited ./proxy/
func unsolicitedRounds(t *testing.T) int {
	text := os.Getenv("PROXY_UNSOLICITED_ROUNDS")
	if text == "" {
		return 100
	}
	rounds, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("PROXY_UNSOLICITED_ROUNDS: %v", err)
	}
	return rounds
}

// unsolicited is a reply, and what an endpoint writes after it.
type unsolicited struct {
	method, reply string
	after         string
	together      bool // reply and after arrive in one segment
	status        int
	body          string
}

const (
	okReply  = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	smuggled = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled"
)

func unsolicitedReplies() map[string]unsolicited {
	return map[string]unsolicited{
		"a second reply":                   {"GET", okReply, smuggled, false, 200, "ok"},
		"a second reply in the segment":    {"GET", okReply, smuggled, true, 200, "ok"},
		"a second reply to POST":           {"POST", okReply, smuggled, false, 200, "ok"},
		"one to POST in the segment":       {"POST", okReply, smuggled, true, 200, "ok"},
		"the body of a reply to HEAD":      {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "hello", false, 200, ""},
		"a second reply after 204":         {"GET", "HTTP/1.1 204 No Content\r\n\r\n", smuggled, false, 204, ""},
		"the last chunk after 304":         {"GET", "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", "0\r\n\r\n", false, 304, ""},
		"an interim reply after the reply": {"OPTIONS", okReply, "HTTP/1.1 103 Early Hints\r\n\r\n", true, 200, "ok"},
	}
}

// TestUnsolicitedReplyIsNotDelivered has two clients that take turns, and an endpoint that writes more than was asked
// for after each reply (RFC 9112 section 6.3). Over each transport each client must get the reply to its own request,
// and no further request may be sent on the connection. Several such pairs keep all processors busy.
func TestUnsolicitedReplyIsNotDelivered(t *testing.T) {
	issuer, _ := newAuthority(t, 0)
	certificate := issuer.issue("h")
	for transport, config := range map[string]*tls.Config{
		"plain text": nil,
		"TLS 1.2":    {Certificates: []tls.Certificate{certificate}, MaxVersion: tls.VersionTLS12},
		"TLS 1.3":    {Certificates: []tls.Certificate{certificate}},
	} {
		for name, kind := range unsolicitedReplies() {
			t.Run(transport+", "+name, func(t *testing.T) {
				var group sync.WaitGroup
				pairs := 2 * runtime.GOMAXPROCS(0)
				for range pairs {
					group.Go(func() { kind.run(t, config, unsolicitedRounds(t)/pairs+1) })
				}
				group.Wait()
			})
		}
	}
}

// run sends requests in turn over two connections of clients.
func (u unsolicited) run(t *testing.T, config *tls.Config, rounds int) {
	written := make(chan struct{}, 1)
	e := scripted(t, func(conn net.Conn, _ *bufio.Reader) { u.answer(t, conn, config, written) })
	protocol := route.HTTP1
	if config != nil {
		protocol = route.HTTPS
	}
	s := serve(t, proxy.Config{}, secureTable(protocol, nil, e))
	clients := []*raw{s.dial(t), s.dial(t)}
	request := u.method + " / HTTP/1.1\r\nHost: h\r\n\r\n"
	if u.method == "POST" {
		request = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi"
	}
	for i := range rounds {
		c := clients[i%len(clients)]
		if err := u.exchange(c, request); err != nil {
			t.Errorf("request %d: %v", i, err)
			return
		}
		<-written // it has arrived: loopback has no delay
	}
}

// exchange sends a request and checks the reply.
func (u unsolicited) exchange(c *raw, request string) error {
	c.SetDeadline(deadlineOfClients())
	if _, err := io.WriteString(c, request); err != nil {
		return err
	}
	reply, err := http.ReadResponse(c.in, &http.Request{Method: u.method})
	if err != nil {
		return err
	}
	body, err := io.ReadAll(reply.Body)
	if err == nil && (reply.StatusCode != u.status || string(body) != u.body) {
		err = fmt.Errorf("got %d, %q", reply.StatusCode, body)
	}
	return err
}

// answer answers the first request of a connection. A second one must not come.
func (u unsolicited) answer(t *testing.T, conn net.Conn, config *tls.Config, written chan<- struct{}) {
	under := &heldConn{Conn: conn}
	conn = under
	if config != nil {
		conn = tls.Server(under, config)
	}
	in := bufio.NewReader(conn)
	if readHead(in) == "" {
		return
	}
	if u.method == "POST" {
		io.ReadFull(in, make([]byte, 2))
	}
	under.hold = u.together
	io.WriteString(conn, u.reply)
	io.WriteString(conn, u.after)
	under.release()
	written <- struct{}{}
	if head := readHead(in); head != "" {
		t.Errorf("after %q another request was sent on the connection: %q", u.after, head)
	}
}

// heldConn is a connection whose writes can be held back, so that they arrive in one segment.
type heldConn struct {
	net.Conn
	hold bool
	held bytes.Buffer
}

func (c *heldConn) Write(p []byte) (int, error) {
	if c.hold {
		return c.held.Write(p)
	}
	return c.Conn.Write(p)
}

// release sends what was held back.
func (c *heldConn) release() {
	c.hold = false
	if c.held.Len() > 0 {
		c.Conn.Write(c.held.Bytes())
		c.held.Reset()
	}
}

// TestUnsolicitedFramesAreNotDelivered has an HTTP/2 endpoint that answers the stream which the next request would have.
func TestUnsolicitedFramesAreNotDelivered(t *testing.T) {
	written := make(chan struct{}, 1)
	s := serve(t, proxy.Config{}, framed(t, func(f *frameServer) {
		r := f.request()
		if r == nil {
			return
		}
		f.headers(r.stream, false, ":status", "200")
		f.WriteData(r.stream, true, []byte("ok"))
		f.headers(r.stream+2, false, ":status", "200")
		f.WriteData(r.stream+2, true, []byte("smuggled"))
		written <- struct{}{}
		if f.request() != nil {
			t.Error("another request was sent on the connection")
		}
	}))
	clients := []*raw{s.dial(t), s.dial(t)}
	kind := unsolicited{method: "GET", status: 200, body: "ok"}
	for i := range unsolicitedRounds(t) {
		if err := kind.exchange(clients[i%len(clients)], "GET / HTTP/1.1\r\nHost: h\r\n\r\n"); err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
		<-written
	}
}

// TestReplyOverTLSWithoutCloseNotifyIsIncomplete has replies that end with their connection: over TLS only close_notify
// tells that nothing is missing (RFC 9112 section 9.8).
func TestReplyOverTLSWithoutCloseNotifyIsIncomplete(t *testing.T) {
	issuer, _ := newAuthority(t, 0)
	config := &tls.Config{Certificates: []tls.Certificate{issuer.issue("h")}}
	for _, announced := range []bool{false, true} {
		s := serve(t, proxy.Config{}, secureTable(route.HTTPS, nil, scripted(t, func(conn net.Conn, _ *bufio.Reader) {
			secure := tls.Server(conn, config)
			readHead(bufio.NewReader(secure))
			io.WriteString(secure, "HTTP/1.1 200 OK\r\n\r\nhello")
			if announced {
				secure.CloseWrite()
			}
		})))
		for _, url := range clientURLs() {
			reply, err := s.client(t).Get(url)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(reply.Body)
			reply.Body.Close()
			if !strings.HasPrefix("hello", string(body)) || (err == nil) != announced {
				t.Errorf("%s, close_notify %t: got %q, %v", url, announced, body, err)
			}
		}
	}
}
