package proxy_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/ingress-testbed/testbed/internal/memorynet"
	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// replyLimit is what the endpoints of these tests have for their replies: less than clients have for their bodies.
const replyLimit = 10 * time.Second

// limited sets the limit of all replies.
func limited(table *route.Table) *route.Table {
	table.Hosts[0].Routes[0].Policies = []route.Policy{policy.Timeouts{Response: replyLimit}}
	return table
}

// expect reads a reply to a request with that method, which must have that status.
func expect(t testing.TB, c *raw, method string, status int) {
	t.Helper()
	if reply, body := c.reply(method); reply.StatusCode != status {
		t.Errorf("got %d %q, want %d", reply.StatusCode, body, status)
	}
}

// endpointProtocols are those in plain text, in which fake time passes.
func endpointProtocols() []route.Protocol { return []route.Protocol{route.HTTP1, route.H2C} }

func TestTimeLimitsOfHTTP1Clients(t *testing.T) {
	limits := proxy.Timeouts{Header: time.Minute, Idle: 3 * time.Minute, Body: 2 * time.Minute}
	for name, c := range map[string]struct {
		begin  string
		limit  time.Duration
		status int // 0: the connection ends without a reply
	}{
		"idle from the start": {"", limits.Idle, 0},
		"header":              {"GET / HTT", limits.Header, http.StatusRequestTimeout},
		"body":                {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nonly", limits.Body, http.StatusRequestTimeout},
		"chunked body": {
			"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\non", limits.Body, http.StatusRequestTimeout,
		},
	} {
		for _, protocol := range endpointProtocols() {
			t.Run(name+", "+protocol.String(), func(t *testing.T) {
				inFakeTime(t, func(b bubble) {
					c1 := b.dial(b.serve(proxy.Config{Timeouts: limits}, b.table(protocol, echoBody)))
					started := time.Now()
					c1.send("%s", c.begin)
					if c.status > 0 {
						reply, _ := c1.reply("POST")
						if reply.StatusCode != c.status || !reply.Close {
							b.Errorf("got %v", reply)
						}
						b.passed(name, started, c.limit)
					}
					c1.ended()
					if c.status == 0 {
						b.passed(name, started, c.limit)
					}
				})
			})
		}
	}
}

func TestIdleHTTP1ConnectionsAreClosed(t *testing.T) {
	inFakeTime(t, func(b bubble) {
		c := b.dial(b.serve(proxy.Config{Timeouts: proxy.Timeouts{Idle: time.Minute}}, b.table(route.HTTP1, named("x"))))
		for range 3 {
			c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
			expect(b, c, "GET", http.StatusOK)
			time.Sleep(59 * time.Second)
		}
		c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		expect(b, c, "GET", http.StatusOK)
		started := time.Now()
		c.ended()
		b.passed("idle", started, time.Minute)
	})
}

// TestTricklingHeaderIsRefused has a client that sends a byte of its header now and then, for ever.
func TestTricklingHeaderIsRefused(t *testing.T) {
	inFakeTime(t, func(b bubble) {
		c := b.dial(b.serve(proxy.Config{Timeouts: proxy.Timeouts{Header: time.Minute}}, b.table(route.HTTP1, named("x"))))
		started, done := time.Now(), make(chan struct{})
		go func() {
			defer close(done)
			for {
				if _, err := io.WriteString(c, "G"); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}()
		expect(b, c, "GET", http.StatusRequestTimeout)
		b.passed("the header", started, time.Minute)
		c.Close()
		<-done
	})
}

// TestSlowBodyWithoutPausesIsServed has a client that sends a byte shortly before each time limit ends: the limit is one
// of pauses, as with nginx.
func TestSlowBodyWithoutPausesIsServed(t *testing.T) {
	inFakeTime(t, func(b bubble) {
		c := b.dial(b.serve(proxy.Config{Timeouts: proxy.Timeouts{Body: time.Minute}}, b.table(route.HTTP1, echoBody)))
		c.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n")
		for range 10 {
			time.Sleep(59 * time.Second)
			c.send("x")
		}
		if reply, body := c.reply("POST"); reply.StatusCode != http.StatusOK || body != "xxxxxxxxxx" {
			b.Errorf("got %v, %q", reply, body)
		}
	})
}

// TestIdleHTTP2ConnectionsEndWithGoAway checks that a client learns which of its requests were served (RFC 9113 section
// 6.8), and that a client which sends PINGs, as gRPC does, is not idle.
func TestIdleHTTP2ConnectionsEndWithGoAway(t *testing.T) {
	for _, pings := range []int{0, 5} {
		inFakeTime(t, func(b bubble) {
			f := b.frames(b.serve(proxy.Config{Timeouts: proxy.Timeouts{Idle: time.Minute}}, b.table(route.HTTP1, named("x"))))
			f.get(1)
			if err := f.awaitEnd(1); err != nil {
				b.Fatal(err)
			}
			for range pings {
				time.Sleep(50 * time.Second)
				f.WritePing(false, [8]byte{})
			}
			started := time.Now()
			var last uint32
			if err := f.await(func(frame http2.Frame) bool {
				goAway, is := frame.(*http2.GoAwayFrame)
				if is && goAway.ErrCode != http2.ErrCodeNo {
					b.Errorf("got %v", goAway)
				}
				if is {
					last = goAway.LastStreamID
				}
				return is && last == 1
			}); err != nil {
				b.Fatalf("no GOAWAY for stream 1, but for %d: %v", last, err)
			}
			b.passed("idle", started, time.Minute)
			if err := f.await(func(http2.Frame) bool { return false }); !errors.Is(err, io.EOF) {
				b.Errorf("the connection did not end: %v", err)
			}
		})
	}
}

// TestSilentClientsOfHTTP2 begin a connection, a header or a body, and send nothing more.
func TestSilentClientsOfHTTP2(t *testing.T) {
	limits := proxy.Timeouts{Header: time.Minute, Idle: 3 * time.Minute, Body: 2 * time.Minute}
	inFakeTime(t, func(b bubble) {
		s := b.serve(proxy.Config{Timeouts: limits}, b.table(route.HTTP1, echoBody))
		f := b.frames(s)
		f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: f.request(":method", "GET")})
		started := time.Now()
		if err := f.await(func(http2.Frame) bool { return false }); !errors.Is(err, io.EOF) {
			b.Errorf("a header block without an end: %v", err)
		}
		b.passed("header", started, limits.Header)
		f = b.frames(s)
		f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndHeaders: true, BlockFragment: f.request(
			":method", "POST", ":scheme", "http", ":path", "/", ":authority", "h")})
		started = time.Now()
		if status, err := f.awaitStatus(1); status != "408" {
			b.Errorf("a body that does not come: got %q, %v", status, err)
		}
		b.passed("body", started, limits.Body)
	})
}

func TestSilentClientOnTheTLSPort(t *testing.T) {
	inFakeTime(t, func(b bubble) {
		s := b.serve(proxy.Config{Timeouts: proxy.Timeouts{TLSHandshake: time.Minute}}, &route.Table{})
		conn := s.connect(b, s.secure)
		conn.SetDeadline(time.Time{})
		started := time.Now()
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			b.Errorf("got %v", err)
		}
		b.passed("the handshake", started, time.Minute)
	})
}

func TestSilentClientWithProxyProtocol(t *testing.T) {
	inFakeTime(t, func(b bubble) {
		s := b.serve(proxy.Config{Timeouts: proxy.Timeouts{ProxyHeader: time.Minute}}, &route.Table{ProxyProtocol: true})
		for _, begin := range []string{"", "PROXY TCP4 "} {
			c := b.dial(s)
			started := time.Now()
			c.send("%s", begin)
			c.ended()
			b.passed("the header", started, time.Minute)
		}
	})
}

// TestClientThatReadsNothingIsGivenUp has a client that accepts nothing of its reply.
func TestClientThatReadsNothingIsGivenUp(t *testing.T) {
	for _, isHTTP2 := range []bool{false, true} {
		inFakeTime(t, func(b bubble) {
			failed := make(chan time.Time)
			s := b.serve(proxy.Config{Timeouts: proxy.Timeouts{Body: time.Minute}},
				b.table(route.HTTP1, func(w http.ResponseWriter, r *http.Request) {
					for {
						if _, err := io.CopyN(w, zeros{}, 64<<10); err != nil {
							failed <- time.Now()
							return
						}
					}
				}))
			started := time.Now()
			if isHTTP2 {
				b.frames(s).get(1)
			} else {
				b.dial(s).send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
			}
			// HTTP/2 counts in steps of 16 KiB, and the client's window is of four.
			if took := (<-failed).Sub(started); took < time.Minute || took > 2*time.Minute {
				b.Errorf("HTTP/2 %t: took %v", isHTTP2, took)
			}
		})
	}
}

// TestConnectingTakesTooLong has an endpoint that does not answer connection attempts.
func TestConnectingTakesTooLong(t *testing.T) {
	for _, protocol := range endpointProtocols() {
		inFakeTime(t, func(b bubble) {
			network := memorynet.New()
			config := proxy.Config{Timeouts: proxy.Timeouts{Connect: time.Minute}}
			config.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			s := serveOn(b, config, b.table(protocol, named("x")), network.Listen(), nil)
			s.dialContext = network.DialContext
			c := b.dial(s)
			started := time.Now()
			c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
			expect(b, c, "GET", http.StatusGatewayTimeout)
			b.passed(protocol.String(), started, time.Minute)
		})
	}
}

// TestConnectingIsNotTheReplysTime has a connection that takes longer to be made than endpoints have for their replies.
func TestConnectingIsNotTheReplysTime(t *testing.T) {
	inFakeTime(t, func(b bubble) {
		network := memorynet.New()
		config := proxy.Config{Timeouts: proxy.Timeouts{Connect: time.Minute}}
		config.DialContext = func(ctx context.Context, to, address string) (net.Conn, error) {
			time.Sleep(2 * replyLimit)
			return b.network.DialContext(ctx, to, address)
		}
		s := serveOn(b, config, limited(b.table(route.HTTP1, echoBody)), network.Listen(), nil)
		s.dialContext = network.DialContext
		c := b.dial(s)
		c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		expect(b, c, "GET", http.StatusOK)
	})
}

// TestEndpointThatNeverAnswers is given the default limit of replies, or the route's.
func TestEndpointThatNeverAnswers(t *testing.T) {
	for _, protocol := range endpointProtocols() {
		for _, ofRoute := range []bool{false, true} {
			inFakeTime(t, func(b bubble) {
				table := b.table(protocol, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
				limit := time.Minute
				if ofRoute {
					table, limit = limited(table), replyLimit
				}
				s := b.serve(proxy.Config{Timeouts: proxy.Timeouts{Response: time.Minute}}, table)
				c := b.dial(s)
				started := time.Now()
				c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
				expect(b, c, "GET", http.StatusGatewayTimeout)
				b.passed(protocol.String(), started, limit)
				f := b.frames(s)
				started = time.Now()
				f.get(1)
				if status, err := f.awaitStatus(1); status != "504" {
					b.Errorf("%s: got %q, %v", protocol, status, err)
				}
				b.passed(protocol.String()+" for HTTP/2", started, limit)
			})
		}
	}
}

// TestEndpointThatFallsSilentInItsReply must not keep the client waiting for ever, which must see that something is
// missing.
func TestEndpointThatFallsSilentInItsReply(t *testing.T) {
	for _, protocol := range endpointProtocols() {
		inFakeTime(t, func(b bubble) {
			s := b.serve(proxy.Config{}, limited(b.table(protocol, func(w http.ResponseWriter, r *http.Request) {
				io.WriteString(w, "x")
				w.(http.Flusher).Flush()
				<-r.Context().Done()
			})))
			c := b.dial(s)
			started := time.Now()
			c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
			reply, err := http.ReadResponse(c.in, nil)
			if err != nil {
				b.Fatal(err)
			}
			if body, err := io.ReadAll(reply.Body); string(body) != "x" || !errors.Is(err, io.ErrUnexpectedEOF) {
				b.Errorf("%s: got %q, %v", protocol, body, err)
			}
			b.passed(protocol.String(), started, replyLimit)
			f := b.frames(s)
			started = time.Now()
			f.get(1)
			if err := f.await(func(frame http2.Frame) bool {
				_, is := frame.(*http2.RSTStreamFrame)
				return is || frame.Header().StreamID == 1 && frame.Header().Flags.Has(http2.FlagDataEndStream) &&
					frame.Header().Type == http2.FrameData && b.failed("%s: the reply was ended as if whole", protocol)
			}); err != nil {
				b.Errorf("%s: %v", protocol, err)
			}
			b.passed(protocol.String()+" for HTTP/2", started, replyLimit)
		})
	}
}

// failed reports an error in a condition; the result is true.
func (b bubble) failed(format string, args ...any) bool {
	b.Helper()
	b.Errorf(format, args...)
	return true
}

// TestInterimRepliesDoNotExtendTheLimit has an endpoint that sends interim replies all the time, and never a final one.
func TestInterimRepliesDoNotExtendTheLimit(t *testing.T) {
	for _, protocol := range endpointProtocols() {
		inFakeTime(t, func(b bubble) {
			s := b.serve(proxy.Config{}, limited(b.table(protocol, func(w http.ResponseWriter, r *http.Request) {
				for r.Context().Err() == nil {
					w.WriteHeader(http.StatusProcessing)
					time.Sleep(replyLimit / 10)
				}
			})))
			c := b.dial(s)
			started := time.Now()
			c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
			interim := 0
			reply, _ := c.reply("GET")
			for ; reply.StatusCode == http.StatusProcessing; reply, _ = c.reply("GET") {
				interim++
			}
			if reply.StatusCode != http.StatusGatewayTimeout || interim == 0 {
				b.Errorf("%s: got %v after %d interim replies", protocol, reply, interim)
			}
			b.passed(protocol.String(), started, replyLimit)
		})
	}
}

// TestHeaderOfAReplyMayPause has a reply whose header pauses for longer than the proxy waits between two looks at the
// client.
func TestHeaderOfAReplyMayPause(t *testing.T) {
	inFakeTime(t, func(b bubble) {
		s := b.serve(proxy.Config{}, toAll(upstream("u", b.scripted(func(conn net.Conn, in *bufio.Reader) {
			readHead(in)
			io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
			time.Sleep(replyLimit / 2)
			io.WriteString(conn, "Content-Length: 2\r\n\r\nok")
		}))))
		c := b.dial(s)
		c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		expect(b, c, "GET", http.StatusOK)
	})
}

// TestHalfClosedKeptConnectionsAreReplaced has an endpoint that ends its sending side after each reply, and then only
// reads.
func TestHalfClosedKeptConnectionsAreReplaced(t *testing.T) {
	var connections connections
	s := serve(t, proxy.Config{DialContext: connections.DialContext}, toAll(upstream("u", scripted(t, func(conn net.Conn, in *bufio.Reader) {
		readHead(in)
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		conn.(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, in)
	}))))
	c := s.dial(t)
	for i := range 3 {
		c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		expect(t, c, "GET", http.StatusOK)
		connections.awaitReadable(t, i)
	}
}

// TestClientThatAwaits100ContinueIsNotLate has a client that sends its body only after the endpoint has agreed to it, and
// then takes its time.
func TestClientThatAwaits100ContinueIsNotLate(t *testing.T) {
	for _, agrees := range []bool{false, true} {
		inFakeTime(t, func(b bubble) {
			s := b.serve(proxy.Config{}, limited(toAll(upstream("u", b.scripted(func(conn net.Conn, in *bufio.Reader) {
				readHead(in)
				if agrees {
					io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\n")
				}
				io.ReadFull(in, make([]byte, 5))
				io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
				io.Copy(io.Discard, in)
			})))))
			c := b.dial(s)
			started := time.Now()
			c.send("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
			expect(b, c, "POST", http.StatusContinue)
			if took := time.Since(started); agrees != (took < time.Second) || took > 2*time.Second {
				b.Errorf("the endpoint agrees %t: 100 came after %v", agrees, took)
			}
			time.Sleep(2 * replyLimit)
			c.send("hello")
			expect(b, c, "POST", http.StatusOK)
		})
	}
}

// TestSlowUploadsAreNotTheEndpointsFault has uploads that last longer than endpoints have for their replies. That time
// begins when all was sent, and is as long for an endpoint that does not answer then.
func TestSlowUploadsAreNotTheEndpointsFault(t *testing.T) {
	for _, protocol := range endpointProtocols() {
		for hangs, want := range map[bool]int{false: http.StatusOK, true: http.StatusGatewayTimeout} {
			inFakeTime(t, func(b bubble) {
				s := b.serve(proxy.Config{}, limited(b.table(protocol, func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					if hangs {
						<-r.Context().Done()
						return
					}
					time.Sleep(replyLimit / 2)
				})))
				c := b.dial(s)
				c.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
				for range 8 {
					c.send("1\r\nx\r\n")
					time.Sleep(replyLimit / 2)
				}
				c.send("0\r\n\r\n")
				started := time.Now()
				expect(b, c, "POST", want)
				if hangs {
					b.passed(protocol.String(), started, replyLimit)
				}
			})
		}
	}
}

// TestUploadsToEndpointsThatReadNothing fail, and those to an endpoint that reads slowly don't.
func TestUploadsToEndpointsThatReadNothing(t *testing.T) {
	upload := func(b bubble, table *route.Table, bytes int64, status int) {
		c := b.dial(b.serve(proxy.Config{}, limited(table)))
		started := time.Now()
		c.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", bytes)
		go io.CopyN(c, zeros{}, bytes)
		expect(b, c, "POST", status)
		if status == http.StatusGatewayTimeout {
			b.passed("the upload", started, replyLimit)
		}
		c.Close()
	}
	const size = 20 << 20
	t.Run("HTTP/1.1", func(t *testing.T) {
		inFakeTime(t, func(b bubble) {
			over := make(chan struct{})
			defer close(over)
			upload(b, toAll(upstream("u", b.scripted(func(net.Conn, *bufio.Reader) { <-over }))), size, http.StatusGatewayTimeout)
		})
	})
	t.Run("h2c", func(t *testing.T) {
		inFakeTime(t, func(b bubble) {
			upload(b, b.table(route.H2C, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), size, http.StatusGatewayTimeout)
		})
	})
	for _, protocol := range endpointProtocols() {
		t.Run("slowly, "+protocol.String(), func(t *testing.T) {
			inFakeTime(t, func(b bubble) {
				upload(b, b.table(protocol, func(_ http.ResponseWriter, r *http.Request) {
					for range 16 { // a piece of 64 KiB within the limit; what is buffered, it takes at once in the end
						_, _ = io.CopyN(io.Discard, r.Body, 16<<10)
						time.Sleep(replyLimit / 5)
					}
					_, _ = io.Copy(io.Discard, r.Body)
				}), 2<<20, http.StatusOK)
			})
		})
	}
}

// TestIdleTunnelEnds has an upgraded connection through which something passes now and then, in one direction only, until
// nothing does.
func TestIdleTunnelEnds(t *testing.T) {
	for _, clientSpeaks := range []bool{false, true} {
		for _, ofRoute := range []bool{false, true} {
			idleTunnelEnds(t, clientSpeaks, ofRoute)
		}
	}
}

// idleTunnelEnds has the limit set by the route, or by the proxy's configuration.
func idleTunnelEnds(t *testing.T, clientSpeaks, ofRoute bool) {
	inFakeTime(t, func(b bubble) {
		const messages = 5
		speak := func(conn net.Conn) {
			for range messages {
				time.Sleep(50 * time.Minute)
				io.WriteString(conn, "x")
			}
		}
		table := toAll(upstream("u", b.scripted(func(conn net.Conn, in *bufio.Reader) {
			readHead(in)
			io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
			if !clientSpeaks {
				speak(conn)
			}
			io.Copy(io.Discard, in)
		})))
		config := proxy.Config{Timeouts: proxy.Timeouts{Tunnel: time.Hour}}
		if ofRoute {
			config = proxy.Config{Timeouts: proxy.Timeouts{Tunnel: 24 * time.Hour}}
			table.Hosts[0].Routes[0].Policies = []route.Policy{policy.Timeouts{Response: time.Hour}}
		}
		s := b.serve(config, table)
		c := b.dial(s)
		started := time.Now()
		c.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
		expect(b, c, "GET", http.StatusSwitchingProtocols)
		if clientSpeaks {
			speak(c)
		}
		rest, err := io.ReadAll(c.in)
		if err != nil || (len(rest) == messages) == clientSpeaks {
			b.Errorf("got %q, %v", rest, err)
		}
		b.passed("the tunnel", started.Add(messages*50*time.Minute), time.Hour)
	})
}

// TestDrainEndsAfterItsLimit has requests that never end, over both protocols, and an upgraded connection.
func TestDrainEndsAfterItsLimit(t *testing.T) {
	inFakeTime(t, func(b bubble) {
		arrived := make(chan struct{}, 3)
		table := toAll(upstream("u", b.scripted(func(conn net.Conn, in *bufio.Reader) {
			head := readHead(in)
			if head[:4] == "HEAD" {
				io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
			}
			arrived <- struct{}{}
			io.Copy(io.Discard, in)
		})))
		config := proxy.Config{Timeouts: proxy.Timeouts{Drain: time.Minute, Response: time.Hour}, DialContext: b.network.DialContext}
		s, stop, ended := start(b, config, table, b.network.Listen(), nil)
		s.dialContext = b.network.DialContext
		c, upgraded, f := b.dial(s), b.dial(s), b.frames(s)
		c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		upgraded.send("HEAD / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
		f.get(1)
		for range 3 {
			<-arrived
		}
		started := time.Now()
		stop()
		if err := <-ended; err != nil {
			b.Error(err)
		}
		b.passed("the drain", started, time.Minute)
		if _, err := http.ReadResponse(c.in, nil); err == nil {
			b.Error("the hanging request got a reply")
		}
	})
}
