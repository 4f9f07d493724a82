package http2

import (
	"testing"
	"testing/synctest"

	xhttp2 "golang.org/x/net/http2"
)

// slowCloser takes its time to close.
type slowCloser struct {
	begun, proceed chan struct{}
	closed         bool
}

func (c *slowCloser) Close() error {
	close(c.begun)
	<-c.proceed
	c.closed = true
	return nil
}

// TestNothingIsClosedAfterOnGone checks that what was registered is not closed when it may be in use for another request:
// an endpoint's connection, say, that the worker gives back while the client resets the stream.
func TestNothingIsClosedAfterOnGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closer := &slowCloser{begun: make(chan struct{}), proceed: make(chan struct{})}
		returned := make(chan bool)
		c := connect(t, testOptions(), func(s *Stream) {
			s.OnGone(closer)
			<-closer.begun
			s.OnGone(nil)
			returned <- closer.closed
		})
		c.get(1)
		synctest.Wait() // until it has registered
		c.WriteRSTStream(1, xhttp2.ErrCodeCancel)
		synctest.Wait()
		select {
		case <-returned:
			t.Error("OnGone returned while the closer was being closed")
			close(closer.proceed)
			return
		default:
		}
		close(closer.proceed)
		if closed := <-returned; !closed {
			t.Error("OnGone returned before the closer was closed")
		}
	})
}

// TestWorkerWaitsForItsCloser checks that a stream is not used again while what it registered is being closed.
func TestWorkerWaitsForItsCloser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closer := &slowCloser{begun: make(chan struct{}), proceed: make(chan struct{})}
		c := connect(t, testOptions(), func(s *Stream) {
			s.OnGone(closer)
			<-closer.begun
		})
		c.get(1)
		synctest.Wait() // until it has registered
		c.WriteRSTStream(1, xhttp2.ErrCodeCancel)
		synctest.Wait()
		running := func() int {
			c.server.mu.Lock()
			defer c.server.mu.Unlock()
			return c.server.workers.running
		}
		if running() != 1 {
			t.Error("the stream was given back while its closer was being closed")
		}
		close(closer.proceed)
		synctest.Wait()
		if running() != 0 {
			t.Error("the stream was not given back")
		}
	})
}

// TestClosersDoNotWaitForTheClient checks that what an invalid frame ends is closed although the client reads nothing, so
// that the frame that answers it can't be written: else a client could keep endpoints at work for as long as a write may
// take.
func TestClosersDoNotWaitForTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closed := make(gate)
		c := connect(t, testOptions(), func(s *Stream) {
			if s.id == 1 {
				s.OnGone(closed)
				<-closed
				return
			}
			s.WriteHeader(200, nil, nil, false)
			s.WriteData(make([]byte, maxFrame))
			s.Flush()
		})
		c.get(1)
		synctest.Wait() // until it has registered
		c.conn.in.set(func(h *half) { h.full = true })
		c.WriteWindowUpdate(0, 1<<30)
		for id := uint32(3); id <= 2*(maxPending/maxFrame+3); id += 2 {
			c.get(id)
			synctest.Wait() // the first write is under way, and all others are added to what is pending
		}
		c.WriteWindowUpdate(1, maxWindow) // more than a window may have
		synctest.Wait()
		select {
		case <-closed:
		default:
			t.Error("it is not closed before the client reads")
		}
		if !c.server.waitsForRoom() {
			t.Error("there is room for more frames, so that this shows nothing")
		}
	})
}

func (c *Conn) waitsForRoom() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.out.pending) > maxPending
}
