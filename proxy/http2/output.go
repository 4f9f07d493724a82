package http2

import (
	"net"
	"runtime"
	"sync"
	"time"

	"github.com/ingress-testbed/testbed/proxy/deadline"
)

// maxPending is how many bytes may wait to be written before more must wait for them.
const maxPending = 256 << 10

// keptOutput is the capacity, in bytes, of the buffers that an idle connection keeps.
const keptOutput = 2 << 10

// output collects the frames of a connection and writes them to the network. Its methods are called with mu held.
type output struct {
	conn    net.Conn
	limit   time.Duration // for one write
	mu      *sync.Mutex   // the connection's
	changed *sync.Cond    // something was written, or err was set

	pending  []byte
	spare    []byte // the buffer that pending is swapped with
	writing  bool   // a goroutine writes, and will write what is added meanwhile
	err      error  // nothing can be written any more
	deadline deadline.Lazy
	maxFrame int // payload of the frames the client accepts, in bytes
	table    tableState
}

func newOutput(conn net.Conn, mu *sync.Mutex, limit time.Duration) output {
	return output{conn: conn, mu: mu, changed: sync.NewCond(mu), limit: limit, maxFrame: maxFrame}
}

// flush writes what is pending, unless another goroutine writes: then that one will. mu is released while it writes.
func (o *output) flush() {
	if o.writing || len(o.pending) == 0 || o.err != nil {
		return
	}
	o.writing = true
	o.mu.Unlock()
	runtime.Gosched() // other workers may have something to add
	o.mu.Lock()
	for len(o.pending) > 0 && o.err == nil {
		out := o.pending
		o.pending = o.spare[:0]
		err := o.deadline.Extend(o.conn.SetWriteDeadline, time.Now(), o.limit)
		o.mu.Unlock()
		if err == nil {
			_, err = o.conn.Write(out)
		}
		o.mu.Lock()
		o.spare = out[:0]
		if err != nil {
			o.fail(err)
			o.conn.Close() // so that the reader ends too
		}
		o.changed.Broadcast()
	}
	o.writing = false
	o.changed.Broadcast()
}

// fail makes all writing fail from now on.
func (o *output) fail(err error) {
	if o.err == nil {
		o.err = err
	}
	o.pending = nil
	o.changed.Broadcast()
}

// flushAll returns when everything is written, by whichever goroutine, or writing has failed.
func (o *output) flushAll() { o.drain(0) }

// waitForRoom waits while too much is pending: a client that does not read must not fill the memory with the answers to
// what it sends.
func (o *output) waitForRoom() { o.drain(maxPending) }

// drain waits until at most limit bytes are pending and, if limit is 0, none is being written.
func (o *output) drain(limit int) {
	for (len(o.pending) > limit || limit == 0 && o.writing) && o.err == nil {
		if o.writing {
			o.changed.Wait()
		} else {
			o.flush()
		}
	}
}

// large reports whether trim has something to release.
func (o *output) large() bool { return cap(o.pending) > keptOutput || cap(o.spare) > keptOutput }

// trim releases large buffers.
func (o *output) trim() {
	if o.writing || len(o.pending) > 0 {
		return
	}
	if cap(o.pending) > keptOutput {
		o.pending = nil
	}
	if cap(o.spare) > keptOutput {
		o.spare = nil
	}
}
