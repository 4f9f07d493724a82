package http2

import "sync"

// workers are the goroutines that serve the streams of a connection, one after the other each. Its fields are guarded by
// the connection's mutex.
type workers struct {
	newWorker func() func(*Stream)
	finish    func(*Stream) (again bool) // called after each stream; again says that the worker must wait for another
	work      chan *Stream               // to those that wait; nil ends one. It has room for all of them.
	group     sync.WaitGroup
	running   int // that serve a stream; may be more than open streams, if the client resets many
	waiting   int
	peak      int // the greatest number running since the last call of trim
	closed    bool
}

func newWorkers(streams int, newWorker func() func(*Stream), finish func(*Stream) bool) workers {
	return workers{newWorker: newWorker, finish: finish, work: make(chan *Stream, streams)}
}

// start serves a stream by a worker that waits, or a new one.
func (w *workers) start(s *Stream) {
	w.running++
	w.peak = max(w.peak, w.running)
	if w.waiting > 0 {
		w.waiting--
		w.work <- s
		return
	}
	w.group.Go(func() { w.run(s) })
}

func (w *workers) run(s *Stream) {
	serve := w.newWorker()
	for s != nil {
		serve(s)
		if !w.finish(s) {
			return
		}
		s = <-w.work
	}
}

// ended records that a worker has served a stream. It reports whether the worker must wait for another.
func (w *workers) ended() bool {
	w.running--
	if w.closed {
		return false
	}
	w.waiting++
	return true
}

// trim ends the workers that the last period did not need, and returns how many may still be needed.
func (w *workers) trim() (kept int) {
	spare := max(w.peak-w.running, 0)
	for ; w.waiting > spare; w.waiting-- {
		w.work <- nil
	}
	w.peak = w.running
	return w.waiting
}

// close ends all workers when they have served their streams.
func (w *workers) close() {
	w.closed = true
	for ; w.waiting > 0; w.waiting-- {
		w.work <- nil
	}
}
