package http2

import (
	"os"
	"sync"
	"time"
)

// Flow-control windows for what clients send (RFC 9113 section 5.2), in bytes. The connection's bounds the memory for
// request bodies that endpoints are slow to accept.
const (
	streamWindow     = 256 << 10
	connectionWindow = 1 << 20
	defaultWindow    = 65535     // initial size in both directions
	maxWindow        = 1<<31 - 1 // section 6.9.1
)

// sendWindow is how many bytes the client accepts. It is negative after a SETTINGS frame that reduces the initial window
// below what is in flight (RFC 9113 section 6.9.2).
type sendWindow int64

// grow changes the window by n bytes. It reports false if that exceeds the largest window.
func (w *sendWindow) grow(n int64) bool {
	*w += sendWindow(n)
	return *w <= maxWindow
}

// receiveWindow is how many bytes the client may send.
type receiveWindow struct {
	size           int64 // in full
	available      int64 // that the client may send
	unacknowledged int64 // consumed, and not yet announced by WINDOW_UPDATE
}

func newReceiveWindow(size int64) receiveWindow { return receiveWindow{size: size, available: size} }

// receive takes n bytes from the window. It reports false if the client has sent more than it may.
func (w *receiveWindow) receive(n int64) bool {
	w.available -= n
	return w.available >= 0
}

// consume records that n of the bytes received are no longer held, and returns the increment to announce: 0 until half of
// the window is consumed.
func (w *receiveWindow) consume(n int64) (increment uint32) {
	w.unacknowledged += n
	if w.unacknowledged < w.size/2 {
		return 0
	}
	increment = uint32(w.unacknowledged)
	w.available += w.unacknowledged
	w.unacknowledged = 0
	return increment
}

// waiter lets one goroutine wait for a change, for a limited time.
type waiter struct {
	changed *sync.Cond
	timer   *time.Timer
}

// wait returns at the next change, at the deadline, or before. The error is os.ErrDeadlineExceeded if the deadline has
// passed already. It is called with the mutex of changed held.
func (w *waiter) wait(deadline time.Time) error {
	left := time.Until(deadline)
	if left <= 0 {
		return os.ErrDeadlineExceeded
	}
	if w.timer == nil {
		w.timer = time.AfterFunc(left, func() {
			w.changed.L.Lock() // it waits, or has not begun to
			defer w.changed.L.Unlock()
			w.changed.Broadcast()
		})
	} else {
		w.timer.Reset(left)
	}
	w.changed.Wait()
	w.timer.Stop()
	return nil
}
