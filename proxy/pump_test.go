package proxy

import (
	"testing"
	"time"
)

// TestAPumpThatHasSentAllIsWaitedFor has a pump that is not scheduled at once to say that it has ended. The client's
// connection would be lost if that were taken for a body that was not read.
func TestAPumpThatHasSentAllIsWaitedFor(t *testing.T) {
	for _, ending := range []bool{true, false} {
		p := pump{done: make(chan error, 1)}
		p.ending.Store(ending)
		time.AfterFunc(scheduled/4, func() { p.done <- nil })
		if got := p.finished(); got != ending {
			t.Errorf("sending the last piece %t: finished %t", ending, got)
		}
	}
	stuck := pump{done: make(chan error, 1)}
	stuck.ending.Store(true)
	if stuck.finished() {
		t.Error("an endpoint that does not take the last piece is said to have it")
	}
}
