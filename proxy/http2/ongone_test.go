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
