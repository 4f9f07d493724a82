package wire

import (
	"errors"
	"os"
	"time"
)

// lookInterval is how often it is looked at most whether an endpoint takes anything of what waits to be written.
const lookInterval = 300 * time.Millisecond

// deliver writes p. It fails with ErrSlowSend when the endpoint has taken nothing for the limit, however long the whole
// takes. That the kernel accepts more is no measure of it: it does so when a third of its buffer, which may be of
// megabytes, is free.
func (s *socket) deliver(p []byte) (written int, err error) {
	if s.limit == 0 {
		return s.conn.Write(p)
	}
	var taken uint64
	now := time.Now()
	for since, looked := now, false; ; now = time.Now() {
		left := s.limit - now.Sub(since)
		if left <= 0 {
			return written, ErrSlowSend
		}
		if err := s.deadline.Extend(s.conn.SetWriteDeadline, now, min(left, lookInterval, s.limit/4)); err != nil {
			return written, err
		}
		n, err := s.conn.Write(p[written:])
		written += n
		s.written.Add(uint64(n))
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return written, err
		}
		last := taken
		if taken = s.taken(); n > 0 || looked && taken != last {
			since = time.Now()
		}
		looked = true
	}
}

// taken is the number of bytes that the endpoint has acknowledged; where that is not known, that were written.
func (s *socket) taken() uint64 {
	if s.raw != nil {
		if acknowledged, known := acknowledged(s.raw); known {
			return acknowledged
		}
	}
	return s.written.Load()
}
