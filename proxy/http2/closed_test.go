package http2

import (
	"testing"
	"testing/synctest"

	xhttp2 "golang.org/x/net/http2"
)

// TestFramesAboveGoAway sends what a client may have sent before the last GOAWAY reached it: the running request must
// be served all the same (RFC 9113 section 6.8).
func TestFramesAboveGoAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		serve, release := held()
		c := connect(t, testOptions(), serve)
		c.get(1)
		c.received()
		c.server.Drain()
		c.received()
		c.WritePing(true, [8]byte([]byte("draining")))
		c.received()
		c.headers(3, false, request("POST", "x-new", "entry")...) // the entry of the dynamic table must be known later
		for range 40 {                                            // more than half of the connection's window
			c.WriteData(3, false, make([]byte, 16<<10))
		}
		c.expect("WINDOW_UPDATE(0) 524288")
		c.WriteWindowUpdate(3, 1)
		c.WritePriority(5, xhttp2.PriorityParam{StreamDep: 1})
		c.headers(3, true, "x-new", "entry")
		c.WriteRSTStream(3, xhttp2.ErrCodeCancel)
		c.expect()
		release()
		c.expect("HEADERS(1) status=200 end")
		if !c.closed {
			t.Error("the connection is still open")
		}
	})
}

func TestHigherStreamsAfterGoAwayAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		serve, release := held()
		defer release()
		c := connect(t, testOptions(), serve)
		c.get(1)
		c.server.Drain()
		c.received()
		c.WritePing(true, [8]byte([]byte("draining")))
		for id := uint32(3); id < 20000; id += 2 {
			c.get(id)
		}
		c.expectGoAway(xhttp2.ErrCodeEnhanceYourCalm)
	})
}

// TestDataAfterEarlyReply sends what was on its way when a request was refused (RFC 9113 section 8.1).
func TestDataAfterEarlyReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := connect(t, testOptions(), ok)
		c.post(1)
		c.expect("HEADERS(1) status=200 end", "RST_STREAM(1) NO_ERROR")
		for range 5000 {
			c.WriteData(1, false, []byte{0})
		}
		c.WriteWindowUpdate(1, 1)
		c.expect()
		for range 32 {
			c.WriteData(1, false, make([]byte, 16<<10))
		}
		c.expect("WINDOW_UPDATE(0) 529288")
		c.headers(1, true, "x-trailer", "1")
		c.expect()
		c.expectAlive(3)
	})
}

func TestDataAfterReset(t *testing.T) {
	for name, reset := range map[string]func(*client){
		"refused":      func(c *client) { c.headers(3, false, request("POST", "connection", "x")...) },
		"by an error":  func(c *client) { c.post(3); c.WriteWindowUpdate(3, 1<<31-1) },
		"by the proxy": func(c *client) { c.headers(3, false, request("POST", "x-abort", "1")...) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := connect(t, testOptions(), func(s *Stream) {
					if len(s.Request.Fields) > 0 {
						s.Abort()
						return
					}
					ok(s)
				})
				if name == "by an error" {
					c.server.workers.newWorker = func() func(*Stream) { return untilGone(func(*Stream) {}) }
				}
				reset(c)
				if got := c.received(); len(got) != 1 {
					t.Errorf("got %q, want one RST_STREAM", got)
				}
				for range 1000 {
					c.WriteData(3, false, []byte{0})
				}
				c.expect()
				c.WriteData(3, true, []byte{0})
				c.expect()
			})
		})
	}
}

// TestFramesAfterTheClientEnded checks that frames on a stream that the client has ended are an error.
func TestFramesAfterTheClientEnded(t *testing.T) {
	for name, end := range map[string]func(*client){
		"END_STREAM": func(c *client) { c.get(1) },
		"RST_STREAM": func(c *client) { c.post(1); c.WriteRSTStream(1, xhttp2.ErrCodeCancel) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := connect(t, testOptions(), ok)
				end(c)
				c.received()
				c.WriteData(1, true, []byte{0})
				c.expect("RST_STREAM(1) STREAM_CLOSED")
				c.headers(1, true, request("GET")...)
				c.expectGoAway(xhttp2.ErrCodeStreamClosed)
			})
		})
	}
}

func TestStreamsInTheWrongOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := connect(t, testOptions(), ok)
		c.get(5)
		c.expect("HEADERS(5) status=200 end")
		c.get(3)
		c.expectGoAway(xhttp2.ErrCodeProtocol)
	})
}

// TestFramesForIdleStreams checks that they are errors of the connection (RFC 9113 section 5.1).
func TestFramesForIdleStreams(t *testing.T) {
	for name, send := range map[string]func(*client){
		"DATA":                    func(c *client) { c.WriteData(3, false, []byte{0}) },
		"RST_STREAM":              func(c *client) { c.WriteRSTStream(3, xhttp2.ErrCodeCancel) },
		"WINDOW_UPDATE":           func(c *client) { c.WriteWindowUpdate(3, 1) },
		"WINDOW_UPDATE of 0":      func(c *client) { c.WriteWindowUpdate(3, 0) },
		"PRIORITY on itself":      func(c *client) { c.WritePriority(3, xhttp2.PriorityParam{StreamDep: 3}) },
		"DATA of an even stream":  func(c *client) { c.get(5); c.WriteData(2, false, []byte{0}) },
		"HEADERS of an even one":  func(c *client) { c.get(2) },
		"HEADERS of a lower even": func(c *client) { c.get(5); c.get(4) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := connect(t, testOptions(), ok)
				send(c)
				c.expectGoAway(xhttp2.ErrCodeProtocol)
			})
		})
	}
}
