package http2

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	xhttp2 "golang.org/x/net/http2"
)

// TestCancelledWatches cancels streams whose replies have begun, or that have lasted: that is how watches end.
func TestCancelledWatches(t *testing.T) {
	for name, test := range map[string]struct {
		before func(*Stream)
		lasts  time.Duration
	}{
		"after the reply began": {func(s *Stream) { s.WriteHeader(200, nil, nil, false); s.Flush() }, 0},
		"after a second":        {func(*Stream) {}, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := connect(t, testOptions(), untilGone(test.before))
				for first := uint32(1); first < 4000; first += 200 { // a hundred at once
					for id := first; id < first+200; id += 2 {
						c.get(id)
					}
					synctest.Wait()
					time.Sleep(test.lasts)
					for id := first; id < first+200; id += 2 {
						c.WriteRSTStream(id, xhttp2.ErrCodeCancel)
					}
					synctest.Wait()
				}
				if got := c.received(); c.closed {
					t.Errorf("the connection was closed: %q", got[len(got)-1])
				}
			})
		})
	}
}

// resets are ways to make streams end prematurely.
func resets() map[string]func(c *client, id uint32) {
	return map[string]func(c *client, id uint32){
		"rapid reset (CVE-2023-44487)": func(c *client, id uint32) {
			c.get(id)
			c.WriteRSTStream(id, xhttp2.ErrCodeCancel)
		},
		"made you reset (CVE-2025-8671): window": func(c *client, id uint32) {
			c.get(id)
			c.WriteWindowUpdate(id, 1<<31-1)
		},
		"made you reset (CVE-2025-8671): increment 0": func(c *client, id uint32) {
			c.get(id)
			c.WriteWindowUpdate(id, 0)
		},
		"made you reset (CVE-2025-8671): DATA after the end": func(c *client, id uint32) {
			c.get(id)
			c.WriteData(id, true, []byte{0})
		},
		"made you reset (CVE-2025-8671): PRIORITY": func(c *client, id uint32) {
			c.get(id)
			c.WritePriority(id, xhttp2.PriorityParam{StreamDep: id})
		},
		"malformed": func(c *client, id uint32) { c.headers(id, true, request("GET", "connection", "x")...) },
	}
}

func TestResetsAreLimited(t *testing.T) {
	for name, reset := range resets() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := connect(t, testOptions(), untilGone(func(*Stream) {}))
				id := uint32(1)
				for range 256 {
					reset(c, id)
					synctest.Wait()
					id += 2
				}
				if c.received(); c.closed {
					t.Fatal("the connection was closed too early")
				}
				reset(c, id)
				c.expectGoAway(xhttp2.ErrCodeEnhanceYourCalm)
			})
		})
	}
}

// TestResetsAtALowRate checks that nothing is counted over the lifetime of a connection.
func TestResetsAtALowRate(t *testing.T) {
	for name, reset := range resets() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := connect(t, testOptions(), untilGone(func(*Stream) {}))
				id := uint32(1)
				for range 100 {
					for range 30 {
						reset(c, id)
						synctest.Wait()
						id += 2
					}
					time.Sleep(time.Second)
				}
				if got := c.received(); c.closed {
					t.Errorf("the connection was closed: %q", got[len(got)-1])
				}
			})
		})
	}
}

// TestServedRequestsMakeUpForResets is a client that sends each request twice and cancels the slower one.
func TestServedRequestsMakeUpForResets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wait := untilGone(func(*Stream) {})
		c := connect(t, testOptions(), func(s *Stream) {
			if len(s.Request.Fields) > 0 {
				wait(s)
				return
			}
			ok(s)
		})
		for id := uint32(1); id < 4000; id += 4 {
			c.get(id)
			c.headers(id+2, true, request("GET", "x-slow", "1")...)
			synctest.Wait()
			c.WriteRSTStream(id+2, xhttp2.ErrCodeCancel)
			synctest.Wait()
		}
		if got := c.received(); c.closed {
			t.Errorf("the connection was closed: %q", got[len(got)-1])
		}
	})
}

// TestResetRequestsOccupyStreams checks that resets don't make more requests run than are allowed.
func TestResetRequestsOccupyStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		options := testOptions()
		options.Streams = 4
		serve, release := held()
		c := connect(t, options, serve)
		for id := uint32(1); id <= 9; id += 2 {
			c.get(id)
			c.WriteRSTStream(id, xhttp2.ErrCodeCancel)
		}
		c.expect("RST_STREAM(9) REFUSED_STREAM")
		release()
		c.expectAlive(11)
	})
}

// floods are frames that make a server work without a request, with the number that is accepted at once and a second.
func floods() map[string]struct {
	send        func(*client)
	burst, rate int
} {
	ping := [8]byte{1}
	return map[string]struct {
		send        func(*client)
		burst, rate int
	}{
		"SETTINGS":                   {func(c *client) { c.WriteSettings() }, 1000, 120},
		"SETTINGS ack":               {func(c *client) { c.WriteSettingsAck() }, 1000, 120},
		"PING":                       {func(c *client) { c.WritePing(false, ping) }, 4000, 500},
		"PING ack":                   {func(c *client) { c.WritePing(true, ping) }, 4000, 500},
		"PRIORITY":                   {func(c *client) { c.WritePriority(3, xhttp2.PriorityParam{StreamDep: 1}) }, 32000, 4000},
		"WINDOW_UPDATE":              {func(c *client) { c.WriteWindowUpdate(0, 1) }, 32000, 4000},
		"empty DATA":                 {func(c *client) { c.WriteData(1, false, nil) }, 32000, 4000},
		"padding":                    {func(c *client) { c.WriteDataPadded(1, false, nil, []byte{}) }, 32000, 4000},
		"unknown":                    {func(c *client) { c.WriteRawFrame(0x77, 0, 0, nil) }, 32000, 4000},
		"WINDOW_UPDATE of 0, closed": {func(c *client) { c.WriteWindowUpdate(3, 0) }, 250, 30},
		"GOAWAY":                     {func(c *client) { c.WriteGoAway(0, xhttp2.ErrCodeNo, nil) }, 32000, 4000},
		"DATA, closed stream":        {func(c *client) { c.WriteData(3, false, []byte{0}) }, 32000, 4000},
		"RST_STREAM, closed":         {func(c *client) { c.WriteRSTStream(3, xhttp2.ErrCodeCancel) }, 32000, 4000},
		"WINDOW_UPDATE, closed":      {func(c *client) { c.WriteWindowUpdate(3, 1) }, 32000, 4000},
		"trailers, closed":           {func(c *client) { c.headers(3, true, "x-t", "1") }, 4000, 500},
		"WINDOW_UPDATE of a stream":  {func(c *client) { c.WriteWindowUpdate(1, 1) }, 32000, 4000},
	}
}

// connectForFlood opens stream 1, which stays open, and 3, which the server resets.
func connectForFlood(t *testing.T) *client {
	c := connect(t, testOptions(), untilGone(func(*Stream) {}))
	c.post(1)
	c.headers(3, false, request("POST", "connection", "x")...)
	c.expect("RST_STREAM(3) PROTOCOL_ERROR")
	return c
}

func TestFloodsAreLimited(t *testing.T) {
	for name, flood := range floods() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := connectForFlood(t)
				for range flood.burst {
					flood.send(c)
				}
				if c.received(); c.closed {
					t.Fatal("the connection was closed too early")
				}
				for range flood.burst / 10 {
					flood.send(c)
				}
				c.expectGoAway(xhttp2.ErrCodeEnhanceYourCalm)
			})
		})
	}
}

func TestFramesAtALowRate(t *testing.T) {
	for name, flood := range floods() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := connectForFlood(t)
				for range 20 {
					for range flood.rate {
						flood.send(c)
					}
					c.received()
					time.Sleep(time.Second)
				}
				if got := c.received(); c.closed {
					t.Errorf("the connection was closed: %q", got[len(got)-1])
				}
			})
		})
	}
}

// TestWindowUpdatesOfADownload sends two for each DATA frame, as fast as it can.
func TestWindowUpdatesOfADownload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const frames = 40000
		c := connect(t, testOptions(), func(s *Stream) {
			s.WriteHeader(200, nil, nil, false)
			for range frames {
				if s.WriteData([]byte("0123456789")) != nil || s.Flush() != nil {
					return
				}
			}
			s.End(nil)
		})
		c.get(1)
		got := 0
		for ended := false; !ended; {
			received := c.received()
			if len(received) == 0 {
				t.Fatalf("no more after %d", got)
			}
			for _, text := range received {
				if strings.HasPrefix(text, "GOAWAY") {
					t.Fatalf("got %s after %d", text, got)
				}
				var size int
				ended = ended || text == "DATA(1) 0 end"
				if _, err := fmt.Sscanf(text, "DATA(1) %d", &size); err == nil && size > 0 {
					got += size
					c.WriteWindowUpdate(0, uint32(size))
					c.WriteWindowUpdate(1, uint32(size))
				}
			}
		}
		if got != 10*frames {
			t.Errorf("got %d bytes, want %d", got, 10*frames)
		}
	})
}
