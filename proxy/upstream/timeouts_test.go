package upstream

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	xhttp2 "golang.org/x/net/http2"

	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/proxy/upstream/tlsprofile"
)

// inMemory makes a pool of an endpoint that is reached through memory, so that time in a bubble of synctest passes at
// once. Connections end with the test.
func inMemory(t *testing.T, protocol route.Protocol, serve func(number int, conn net.Conn)) *Pool {
	t.Helper()
	number := 0
	var group sync.WaitGroup
	t.Cleanup(group.Wait)
	registry := newRegistry(func(context.Context, string, string) (net.Conn, error) {
		number++
		here, there := net.Pipe()
		ours := &queued{Conn: here, writes: make(chan []byte, 1000)}
		group.Go(ours.run)
		queue := &queued{Conn: there, writes: make(chan []byte, 1000)}
		group.Go(queue.run)
		group.Go(func() {
			defer there.Close()
			defer close(queue.writes)
			serve(number, queue)
		})
		t.Cleanup(func() {
			here.Close()
			there.Close()
			close(ours.writes)
		})
		return ours, nil
	})
	return registry.Pool(Key{HTTP2: protocol.HTTP2()}, tlsprofile.Profile{})
}

// took runs a call and returns its result and how long it took.
func took(pool *Pool, call *Call) (result, time.Duration) {
	started := time.Now()
	got := do(pool, call)
	return got, time.Since(started)
}

// expectTimeout checks that a call failed after its time limit, and soon.
func expectTimeout(t *testing.T, got result, after, limit time.Duration) {
	t.Helper()
	if !IsTimeout(got.err) || after < limit || after > limit+2*watchInterval {
		t.Errorf("got %v after %v, want a time-out after %v", got, after, limit)
	}
}

// An endpoint is silent before its reply, within its header, or within its body.
func TestSilentEndpoint(t *testing.T) {
	for _, protocol := range []route.Protocol{route.HTTP1, route.H2C} {
		for _, replied := range []string{"", "header", "body"} {
			for _, limit := range []time.Duration{100 * time.Millisecond, 10 * time.Second} {
				synctest.Test(t, func(t *testing.T) {
					pool := inMemory(t, protocol, func(_ int, conn net.Conn) { beSilent(t, protocol, conn, replied) })
					call := newCall(t, get)
					call.Timeouts.Response = limit
					got, after := took(pool, call)
					expectTimeout(t, got, after, limit)
					if call.Retryable(got.err) {
						t.Error("a slow endpoint's request may be sent again")
					}
				})
			}
		}
	}
}

func beSilent(t *testing.T, protocol route.Protocol, conn net.Conn, replied string) {
	if protocol == route.HTTP1 {
		in := bufio.NewReader(conn)
		if _, err := readRequest(in); err != nil {
			return
		}
		switch replied {
		case "header":
			io.WriteString(conn, okReply[:20])
		case "body":
			io.WriteString(conn, okReply[:len(okReply)-1])
		}
		io.Copy(io.Discard, in)
		return
	}
	f := newFramer(t, conn)
	s := f.whole()
	if s == nil {
		return
	}
	switch replied {
	case "header":
		f.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: s.id, BlockFragment: f.fields(":status", "200"), EndHeaders: false})
	case "body":
		f.headers(s.id, false, ":status", "200")
		f.WriteData(s.id, false, []byte("o"))
	}
	f.drain()
}

// queued is an end of a net.Pipe that writes without waiting for the reader, as the network does.
type queued struct {
	net.Conn
	writes chan []byte
	failed atomic.Bool
	room   atomic.Int64 // of the last Read
}

func (q *queued) Read(p []byte) (int, error) {
	q.room.Store(int64(len(p)))
	return q.Conn.Read(p)
}

func (q *queued) Write(p []byte) (int, error) {
	if q.failed.Load() {
		return 0, net.ErrClosed
	}
	select {
	case q.writes <- bytes.Clone(p):
		return len(p), nil
	default:
		return 0, io.ErrShortWrite
	}
}

func (q *queued) run() {
	for p := range q.writes {
		if !q.failed.Load() {
			_, err := q.Conn.Write(p)
			q.failed.Store(err != nil)
		}
	}
}

// An endpoint that sends something again and again does not start its time limit anew.
func TestTricklingHeader(t *testing.T) {
	for name, piece := range map[string]string{
		"a long field": "x", "102 (Processing)": "HTTP/1.1 102 Processing\r\n\r\n", "empty lines": "\r\n",
	} {
		synctest.Test(t, func(t *testing.T) {
			pool := inMemory(t, route.HTTP1, func(_ int, conn net.Conn) {
				if _, err := readRequest(bufio.NewReader(conn)); err != nil {
					return
				}
				if piece == "x" {
					io.WriteString(conn, "HTTP/1.1 200 OK\r\nA: ")
				}
				for {
					if _, err := io.WriteString(conn, piece); err != nil {
						return
					}
					time.Sleep(30 * time.Millisecond)
				}
			})
			call := newCall(t, get)
			call.Timeouts.Response = 3 * time.Second
			got, after := took(pool, call)
			expectTimeout(t, got, after, call.Timeouts.Response)
			if t.Failed() {
				t.Log(name)
			}
		})
	}
}

// A reply may last as long as it likes if something of it comes in time.
func TestSlowBody(t *testing.T) {
	for _, protocol := range []route.Protocol{route.HTTP1, route.H2C} {
		synctest.Test(t, func(t *testing.T) {
			const pieces = 20
			pool := inMemory(t, protocol, func(_ int, conn net.Conn) {
				if protocol == route.HTTP1 {
					readRequest(bufio.NewReader(conn))
					io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n")
					for range pieces {
						time.Sleep(9 * time.Second)
						io.WriteString(conn, "x")
					}
					io.Copy(io.Discard, conn)
					return
				}
				f := newFramer(t, conn)
				s := f.whole()
				f.headers(s.id, false, ":status", "200")
				for i := range pieces {
					time.Sleep(9 * time.Second)
					f.WriteData(s.id, i == pieces-1, []byte("x"))
				}
				f.drain()
			})
			call := newCall(t, get)
			call.Timeouts.Response = 10 * time.Second
			if got := do(pool, call); got.err != nil || got.body != strings.Repeat("x", pieces) {
				t.Errorf("%v: got %v", protocol, got)
			}
		})
	}
}

// Time does not pass for the endpoint while the client's body is awaited, and passes when it is there.
func TestSlowUpload(t *testing.T) {
	for _, protocol := range []route.Protocol{route.HTTP1, route.H2C} {
		synctest.Test(t, func(t *testing.T) {
			pool := inMemory(t, protocol, func(_ int, conn net.Conn) {
				if protocol == route.HTTP1 {
					readRequest(bufio.NewReader(conn))
				} else if f := newFramer(t, conn); f.whole() != nil {
					f.drain()
				}
				io.Copy(io.Discard, conn)
			})
			call := newCall(t, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n1234")
			body := &testBody{pieces: make(chan []byte), client: call.Client.(*testClient)}
			call.Body = body
			call.Timeouts.Response = 2 * time.Second
			go func() {
				for range 4 {
					time.Sleep(10 * time.Second)
					body.pieces <- []byte("x")
				}
				close(body.pieces)
			}()
			got, after := took(pool, call)
			expectTimeout(t, got, after, 42*time.Second)
		})
	}
}

// A client that disconnects ends the call at every stage.
func TestClientGoes(t *testing.T) {
	for _, protocol := range []route.Protocol{route.HTTP1, route.H2C} {
		for _, replied := range []string{"", "header", "body"} {
			for _, closes := range []bool{true, false} {
				synctest.Test(t, func(t *testing.T) {
					pool := inMemory(t, protocol, func(_ int, conn net.Conn) { beSilent(t, protocol, conn, replied) })
					call := newCall(t, get)
					client := call.Client.(*testClient)
					go func() {
						time.Sleep(time.Second)
						if closes {
							client.leave()
						} else {
							client.absent.Store(true)
						}
					}()
					got, after := took(pool, call)
					if got.err == nil || replied != "body" && !errors.Is(got.err, ErrClientGone) {
						t.Errorf("%v %s: got %v", protocol, replied, got)
					}
					if after < time.Second || after > time.Second+2*watchInterval {
						t.Errorf("%v %s: it took %v", protocol, replied, after)
					}
				})
			}
		}
	}
}

func TestClientGoesWhileDialling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := newRegistry(func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		pool := registry.Pool(Key{}, tlsprofile.Profile{})
		call := newCall(t, get)
		got, after := took(pool, call)
		if !IsTimeout(got.err) || after != call.Timeouts.Connect || !call.Retryable(got.err) {
			t.Errorf("got %v after %v", got.err, after)
		}
		client := call.Client.(*testClient)
		go func() {
			time.Sleep(time.Second)
			client.absent.Store(true)
		}()
		got, after = took(pool, call)
		if !errors.Is(got.err, ErrClientGone) || after > time.Second+2*watchInterval {
			t.Errorf("got %v after %v", got.err, after)
		}
		client.absent.Store(false)
		ctx, cancel := context.WithCancel(context.Background())
		client.ctx = ctx
		go func() {
			time.Sleep(time.Second)
			cancel()
		}()
		got, after = took(pool, call)
		if !errors.Is(got.err, ErrClientGone) || after != time.Second {
			t.Errorf("got %v after %v", got.err, after)
		}
	})
}

// The connection of an endpoint that was lost silently is given up after a PING.
func TestDeadConnection(t *testing.T) {
	for _, alive := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			pings := 0
			pool := inMemory(t, route.H2C, func(_ int, conn net.Conn) {
				f := newFramer(t, conn)
				if f.whole() == nil {
					return
				}
				for {
					frame, err := f.ReadFrame()
					if err != nil {
						return
					}
					if ping, is := frame.(*xhttp2.PingFrame); is {
						pings++
						if alive {
							f.WritePing(true, ping.Data)
						}
					}
				}
			})
			call := newCall(t, get)
			call.Timeouts.Response = time.Hour
			got, after := took(pool, call)
			switch {
			case alive && (!errors.Is(got.err, errSlow) || after < time.Hour):
				t.Errorf("got %v after %v", got.err, after)
			case alive && pings > 13: // gRPC servers count more than one in five minutes as abuse
				t.Errorf("%d PINGs in an hour", pings)
			case !alive && (!errors.Is(got.err, errDead) || after > pingAfter+pingTimeout+2*watchInterval):
				t.Errorf("got %v after %v", got.err, after)
			}
		})
	}
}

// An endpoint that gives no window is given up after Timeouts.Send or Timeouts.Response, whichever comes first.
func TestNoWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := inMemory(t, route.H2C, func(_ int, conn net.Conn) {
			f := newFramer(t, conn, xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 1})
			f.request()
			io.Copy(io.Discard, conn)
		})
		call := newCall(t, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n")
		body := &testBody{pieces: make(chan []byte, 1), client: call.Client.(*testClient)}
		body.pieces <- make([]byte, 200000)
		call.Body = body
		call.Timeouts.Response = 3 * time.Second
		call.Timeouts.Send = 2 * time.Second
		got, after := took(pool, call)
		expectTimeout(t, got, after, 2*time.Second)
	})
}
