package http2

import (
	"os"
	"sync"
	"time"
)

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
