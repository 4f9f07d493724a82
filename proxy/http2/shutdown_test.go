package http2

import (
	"errors"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	xhttp2 "golang.org/x/net/http2"
)

// TestTwoGoAways checks that streams that the client opens before it receives the GOAWAY are served.
func TestTwoGoAways(t *testing.T) {
	for name, acknowledge := range map[string]func(*client){
		"acknowledged": func(c *client) { c.WritePing(true, [8]byte([]byte("draining"))) },
		"in silence":   func(c *client) { time.Sleep(time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				serve, release := held()
				c := connect(t, testOptions(), serve)
				c.get(1)
				c.received()
				c.server.Drain()
				c.expect("GOAWAY 2147483647 NO_ERROR", "PING")
				c.server.Drain()
				c.expect()
				c.get(3)
				c.expect()
				acknowledge(c)
				c.expect("GOAWAY 3 NO_ERROR")
				c.get(5)
				release()
				if got := c.received(); len(got) != 2 || !c.closed {
					t.Errorf("got %q, closed %t, want two replies and the end", got, c.closed)
				}
			})
		})
	}
}

func TestDrainOfAnIdleConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := connect(t, testOptions(), ok)
		c.server.Drain()
		c.expect("GOAWAY 2147483647 NO_ERROR", "PING")
		c.WritePing(true, [8]byte{1}) // another one
		c.expect()
		c.WritePing(true, [8]byte([]byte("draining")))
		c.expect("GOAWAY 0 NO_ERROR")
		if !c.closed {
			t.Error("the connection is still open")
		}
	})
}

// TestLeave checks that a connection on which no request has come is left open for one.
func TestLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := connect(t, testOptions(), ok)
		c.server.Leave()
		c.expect()
		c.get(1)
		if got := c.received(); !slices.Contains(got, "GOAWAY 2147483647 NO_ERROR") || !slices.Contains(got, "HEADERS(1) status=200 end") {
			t.Errorf("got %q, want GOAWAY and the reply", got)
		}
		c.WritePing(true, [8]byte([]byte("draining")))
		c.expect("GOAWAY 1 NO_ERROR")
		if !c.closed {
			t.Error("the connection is still open")
		}
	})
	synctest.Test(t, func(t *testing.T) {
		c := connect(t, testOptions(), ok)
		c.get(1)
		c.received()
		c.server.Leave()
		c.expect("GOAWAY 2147483647 NO_ERROR", "PING")
	})
}

// TestDrainBeforeThePreface checks that SETTINGS is the first frame nevertheless.
func TestDrainBeforeThePreface(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clientEnd, serverEnd := memPipe()
		c := &client{t: t, conn: clientEnd}
		c.server = New(serverEnd, nil, testOptions(), func() func(*Stream) { return ok })
		c.server.Drain()
		go c.server.Serve()
		c.expect("SETTINGS", "WINDOW_UPDATE(0) 983041", "GOAWAY 2147483647 NO_ERROR", "PING")
		clientEnd.Close()
		synctest.Wait()
	})
}

// TestTimeLimitsEndWithGoAway checks that the client learns which requests were not processed.
func TestTimeLimitsEndWithGoAway(t *testing.T) {
	for name, test := range map[string]struct {
		begin func(*client)
		limit func(*Options) time.Duration
	}{
		"idle from the beginning": {func(*client) {}, func(o *Options) time.Duration { return o.Idle }},
		"idle after a request":    {func(c *client) { c.get(1) }, func(o *Options) time.Duration { return o.Idle }},
		"incomplete header": {func(c *client) {
			c.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: 1, BlockFragment: c.encode(request("GET")...)})
		}, func(o *Options) time.Duration { return o.Header }},
		"silence while busy": {func(c *client) { c.headers(1, true, request("GET", "x-hold", "1")...) },
			func(o *Options) time.Duration { return o.Busy }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				options := testOptions()
				c := connect(t, options, func(s *Stream) {
					if len(s.Request.Fields) > 0 {
						untilGone(func(*Stream) {})(s)
						return
					}
					ok(s)
				})
				test.begin(c)
				c.received()
				time.Sleep(test.limit(options) - time.Second)
				c.expect()
				time.Sleep(test.limit(options)/4 + 2*time.Second)
				c.expectGoAway(xhttp2.ErrCodeNo)
			})
		})
	}
}

// TestPingsKeepAnIdleConnection checks that they do, but not for ever.
func TestPingsKeepAnIdleConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		options := testOptions()
		c := connect(t, options, ok)
		time.Sleep(options.Idle / 2)
		c.expectAlive(1)
		start := time.Now()
		for !c.closed {
			c.WritePing(false, [8]byte{})
			if got := c.received(); !c.closed && len(got) != 1 {
				t.Fatalf("got %q after %v", got, time.Since(start))
			}
			time.Sleep(options.Idle / 5)
			if time.Since(start) > 20*options.Idle {
				t.Fatal("the connection is still open")
			}
		}
		if open := time.Since(start); open < 9*options.Idle || open > 13*options.Idle {
			t.Errorf("the connection was closed after %v without a request, %v without a frame are allowed", open, options.Idle)
		}
	})
}

func TestHalfClosedConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		c := connect(t, testOptions(), func(s *Stream) {
			if _, err := s.Next(); !errors.Is(err, io.EOF) {
				return // it was cancelled
			}
			<-release
			s.WriteHeader(200, nil, nil, false)
			s.WriteData([]byte("hello"))
			s.End(nil)
		})
		c.get(1)
		c.post(3)
		c.conn.CloseWrite()
		time.Sleep(time.Second)
		for _, text := range c.received() {
			if text != "PING" {
				t.Errorf("got %q", text)
			}
		}
		if c.closed || c.server.Context().Err() != nil {
			t.Error("the connection was closed before the reply")
		}
		close(release)
		c.expect("HEADERS(1) status=200", "DATA(1) 5 end")
		<-c.served
		if c.received(); !c.closed || c.server.Context().Err() == nil {
			t.Error("the connection is still open after the reply")
		}
	})
}

// TestHalfClosedConnectionWithoutWindow checks that a reply ends that the client can't accept any more.
func TestHalfClosedConnectionWithoutWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := connect(t, testOptions(), func(s *Stream) {
			s.WriteHeader(200, nil, nil, false)
			if err := s.WriteData(make([]byte, 100<<10)); !errors.Is(err, ErrGone) {
				t.Errorf("got %v", err)
			}
		})
		c.get(1)
		c.received()
		c.conn.CloseWrite()
		start := time.Now()
		<-c.served
		if waited := time.Since(start); waited > time.Second {
			t.Errorf("it ended after %v", waited)
		}
	})
}

// TestClientThatClosed checks that requests are cancelled whose client has closed the whole connection.
func TestClientThatClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := connect(t, testOptions(), untilGone(func(*Stream) {}))
		c.get(1)
		c.post(3)
		c.received()
		c.conn.Close()
		start := time.Now()
		<-c.served
		if waited := time.Since(start); waited > time.Second {
			t.Errorf("it was noticed after %v", waited)
		}
	})
}

// TestContext checks that it is done when the connection is closed, by either side.
func TestContext(t *testing.T) {
	for name, end := range map[string]func(*client){
		"client": func(c *client) { c.conn.Close() },
		"server": func(c *client) { c.server.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				done := make(chan struct{})
				c := connect(t, testOptions(), func(s *Stream) {
					<-s.Context().Done()
					close(done)
				})
				c.get(1)
				c.received()
				if c.server.Context().Err() != nil {
					t.Error("it is done too early")
				}
				end(c)
				<-done
			})
		})
	}
}

// TestGoneIsClosedWithoutTheLock checks that closing what was registered may use the stream, and may take long.
func TestGoneIsClosedWithoutTheLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := make(chan bool, 1)
		c := connect(t, testOptions(), func(s *Stream) {
			s.OnGone(closerFunc(func() { gone <- s.Gone() }))
			<-s.Context().Done()
		})
		c.get(1)
		c.received()
		c.WriteRSTStream(1, xhttp2.ErrCodeCancel)
		if !<-gone {
			t.Error("the stream does not know that its client is gone")
		}
	})
}

// TestGoneAlready checks that what is registered too late is closed immediately, and that what was unregistered is not.
func TestGoneAlready(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closed := make(chan string, 2)
		c := connect(t, testOptions(), func(s *Stream) {
			s.OnGone(closerFunc(func() { closed <- "unregistered" }))
			s.OnGone(nil)
			for !s.Gone() {
				time.Sleep(time.Millisecond)
			}
			s.OnGone(closerFunc(func() { closed <- "late" }))
			close(closed)
		})
		c.get(1)
		c.received()
		c.WriteRSTStream(1, xhttp2.ErrCodeCancel)
		if which := <-closed; which != "late" {
			t.Errorf("closed %q, want the one that was registered late", which)
		}
	})
}

type closerFunc func()

func (f closerFunc) Close() error {
	f()
	return nil
}
