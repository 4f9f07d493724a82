package http2

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	xhttp2 "golang.org/x/net/http2"
)

// TestIdleConnectionReleases checks what a connection keeps after many requests at once.
func TestIdleConnectionReleases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		options := testOptions()
		var workers atomic.Int32
		serve := func(s *Stream) {
			time.Sleep(time.Millisecond) // so that all are served at once
			s.WriteHeader(200, nil, nil, false)
			s.WriteData(make([]byte, 60<<10))
			s.End(nil)
		}
		c := connect(t, options, nil)
		c.server.workers.newWorker = func() func(*Stream) {
			workers.Add(1)
			return serve
		}
		c.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 1 << 20})
		id := uint32(1)
		burst := func(n int) {
			c.WriteWindowUpdate(0, 100*60<<10)
			for range n {
				c.get(id)
				id += 2
			}
			c.received()
			time.Sleep(2 * time.Millisecond)
			c.received()
		}
		for range 10 { // in half a second
			burst(100)
			time.Sleep(50 * time.Millisecond)
		}
		if n := workers.Load(); n != 100 {
			t.Errorf("%d workers were started for at most 100 requests at once", n)
		}
		time.Sleep(trimInterval)
		burst(1)
		if n := workers.Load(); n != 100 {
			t.Errorf("%d workers were started: none of 100 was kept for the next request", n)
		}
		for range 3 {
			time.Sleep(trimInterval)
		}
		synctest.Wait()
		server := c.server
		server.mu.Lock()
		defer server.mu.Unlock()
		if server.workers.waiting != 0 || len(server.streams.free) != 0 || server.out.large() || server.trimming {
			t.Errorf("kept: %d workers, %d streams, %d and %d bytes of output, trimming %t", server.workers.waiting,
				len(server.streams.free), cap(server.out.pending), cap(server.out.spare), server.trimming)
		}
	})
}

// TestLongRequestKeepsNoOtherWorkers checks that what a burst needed is released while a request lasts.
func TestLongRequestKeepsNoOtherWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wait := untilGone(func(s *Stream) {
			s.WriteHeader(200, nil, nil, false)
			s.WriteData(make([]byte, 60<<10))
			s.Flush()
		})
		c := connect(t, testOptions(), func(s *Stream) {
			if s.Request.Length != 0 {
				wait(s)
				return
			}
			time.Sleep(time.Millisecond)
			ok(s)
		})
		c.post(1)
		for id := uint32(3); id < 100; id += 2 {
			c.get(id)
		}
		time.Sleep(3 * trimInterval)
		synctest.Wait()
		server := c.server
		server.mu.Lock()
		defer server.mu.Unlock()
		if server.workers.running != 1 || server.workers.waiting != 0 || len(server.streams.free) != 0 || server.out.large() {
			t.Errorf("%d workers run; kept: %d workers, %d streams, %d and %d bytes of output", server.workers.running,
				server.workers.waiting, len(server.streams.free), cap(server.out.pending), cap(server.out.spare))
		}
	})
}

// TestLongRequestKeepsNoOutput checks the same for the buffers of what a long reply sent before it paused.
func TestLongRequestKeepsNoOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := connect(t, testOptions(), untilGone(func(s *Stream) {
			s.WriteHeader(200, nil, nil, false)
			s.WriteData(make([]byte, 60<<10))
			s.Flush()
		}))
		c.get(1)
		c.received()
		time.Sleep(2 * trimInterval)
		synctest.Wait()
		server := c.server
		server.mu.Lock()
		defer server.mu.Unlock()
		if server.out.large() || server.trimming {
			t.Errorf("kept %d and %d bytes of output, trimming %t", cap(server.out.pending), cap(server.out.spare), server.trimming)
		}
	})
}

// TestHeaderBuffersAreReleased checks that a large header leaves nothing behind.
func TestHeaderBuffersAreReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := connect(t, testOptions(), ok)
		large := strings.Repeat("~", 12<<10)
		for i, name := range []string{"x-large", "cookie"} {
			block := c.encode(request("GET", name, large)...)
			id := uint32(1 + 2*i)
			c.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: id, EndStream: true, BlockFragment: block[:10]})
			c.WriteContinuation(id, true, block[10:])
		}
		if got := c.received(); len(got) != 2 {
			t.Errorf("got %q", got)
		}
		h := &c.server.reader.headers
		if cap(h.encoded) > keptHeader || cap(h.lines) > keptHeader || cap(h.cookie) > keptHeader || h.pseudo.Any() {
			t.Errorf("kept %d, %d and %d bytes, pseudo-header fields %t", cap(h.encoded), cap(h.lines), cap(h.cookie), h.pseudo.Any())
		}
	})
}
