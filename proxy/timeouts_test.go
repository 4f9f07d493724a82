package proxy_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// replyLimit is what the endpoints of these tests have for their replies, if they are late.
const replyLimit = 200 * time.Millisecond

// limited sets the limit of all replies.
func limited(table *route.Table) *route.Table {
	table.Hosts[0].Routes[0].Policies = []route.Policy{policy.Timeouts{Response: replyLimit}}
	return table
}

// expect asks for a status, before the time that clients have for their bodies.
func expect(t *testing.T, c *raw, method string, status int) {
	t.Helper()
	started := time.Now()
	if reply, body := c.reply(method); reply.StatusCode != status {
		t.Errorf("got %d %q after %v, want %d", reply.StatusCode, body, time.Since(started), status)
	}
	if waited := time.Since(started); waited > 5*time.Second {
		t.Errorf("the reply came after %v only", waited)
	}
}

// TestConnectingIsNotTheReplysTime has a connection that takes longer than what is waited before a read is tried.
func TestConnectingIsNotTheReplysTime(t *testing.T) {
	s := serve(t, proxy.Config{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		time.Sleep(2 * replyLimit)
		return new(net.Dialer).DialContext(ctx, network, address)
	}}, limited(toAll(upstream("u", backend(t, echoBody)))))
	c := s.dial(t)
	c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	expect(t, c, "GET", http.StatusOK)
}

// TestAHeaderMayPause has a reply whose header pauses for longer than what is waited before a read is tried.
func TestAHeaderMayPause(t *testing.T) {
	s := serve(t, proxy.Config{}, toAll(upstream("u", scripted(t, func(conn net.Conn, in *bufio.Reader) {
		readHead(in)
		io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
		time.Sleep(2 * replyLimit)
		io.WriteString(conn, "Content-Length: 2\r\n\r\nok")
	}))))
	c := s.dial(t)
	c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	expect(t, c, "GET", http.StatusOK)
}

// TestEndedConnectionsAreNoticedWithinTheLimit has an endpoint that ends its side after each reply, and listens on.
func TestEndedConnectionsAreNoticedWithinTheLimit(t *testing.T) {
	s := serve(t, proxy.Config{}, limited(toAll(upstream("u", scripted(t, func(conn net.Conn, in *bufio.Reader) {
		readHead(in)
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		conn.(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, in)
	})))))
	c := s.dial(t)
	for range 3 {
		c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		expect(t, c, "GET", http.StatusOK)
		time.Sleep(20 * time.Millisecond)
	}
}

// TestWhoWaitsToBeInvitedIsNotLate has a client that sends nothing before the endpoint has asked for it.
func TestWhoWaitsToBeInvitedIsNotLate(t *testing.T) {
	for _, invites := range []bool{false, true} {
		s := serve(t, proxy.Config{}, limited(toAll(upstream("u", scripted(t, func(conn net.Conn, in *bufio.Reader) {
			readHead(in)
			if invites {
				io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\n")
				io.ReadFull(in, make([]byte, 5))
				io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			}
			io.Copy(io.Discard, in)
		})))))
		c := s.dial(t)
		c.send("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
		if !invites {
			expect(t, c, "POST", http.StatusGatewayTimeout)
			continue
		}
		expect(t, c, "POST", http.StatusContinue)
		time.Sleep(2 * replyLimit) // the client's time, not the endpoint's
		c.send("hello")
		expect(t, c, "POST", http.StatusOK)
	}
}

// TestSlowUploadsAreNotTheEndpointsFault has uploads that last longer than endpoints have for their replies. That time
// begins when all was sent, and is as long for an endpoint that does not answer then.
func TestSlowUploadsAreNotTheEndpointsFault(t *testing.T) {
	for name, table := range map[string]func(http.HandlerFunc) *route.Table{
		"HTTP/1.1": func(answer http.HandlerFunc) *route.Table { return toAll(upstream("u", backend(t, answer))) },
		"h2c":      func(answer http.HandlerFunc) *route.Table { return h2c(t, answer) },
	} {
		for hangs, want := range map[bool]int{false: http.StatusOK, true: http.StatusGatewayTimeout} {
			t.Run(fmt.Sprintf("%s, hangs %t", name, hangs), func(t *testing.T) {
				with := table(func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					if hangs {
						<-r.Context().Done()
						return
					}
					time.Sleep(replyLimit / 2)
				})
				c := serve(t, proxy.Config{}, limited(with)).dial(t)
				c.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
				for range 8 {
					c.send("1\r\nx\r\n")
					time.Sleep(replyLimit / 2)
				}
				c.send("0\r\n\r\n")
				expect(t, c, "POST", want)
			})
		}
	}
}

// TestEndpointsThatTakeNothingAreGivenUp has uploads to endpoints that never read, and to one that reads slowly.
func TestEndpointsThatTakeNothingAreGivenUp(t *testing.T) {
	const size = 20 << 20
	upload := func(t *testing.T, table *route.Table, bytes int64, status int) {
		c := serve(t, proxy.Config{}, limited(table)).dial(t)
		c.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", bytes)
		go io.CopyN(c, zeros{}, bytes)
		expect(t, c, "POST", status)
	}
	t.Run("HTTP/1.1", func(t *testing.T) {
		over := make(chan struct{})
		defer close(over)
		upload(t, toAll(upstream("u", scripted(t, func(net.Conn, *bufio.Reader) { <-over }))), size, http.StatusGatewayTimeout)
	})
	t.Run("h2c", func(t *testing.T) {
		upload(t, h2c(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), size, http.StatusGatewayTimeout)
	})
	t.Run("h2c, slowly", func(t *testing.T) {
		upload(t, h2c(t, func(_ http.ResponseWriter, r *http.Request) {
			for range 16 { // what the endpoint's window lets ahead, it takes at once in the end
				_, _ = io.CopyN(io.Discard, r.Body, 16<<10)
				time.Sleep(replyLimit / 2)
			}
			_, _ = io.Copy(io.Discard, r.Body)
		}), 2<<20, http.StatusOK)
	})
}
