package wire

import (
	"errors"
	"os"
	"time"
)

// deliver writes p. It fails with ErrSlowSend when nothing of it was accepted for the limit, however long the whole takes. A
// write that waits is tried again four times within the limit: the kernel announces room only when a third of its buffer,
// which may be of megabytes, is free, but accepts as much as there is room for.
func (s *socket) deliver(p []byte) (written int, err error) {
	if s.limit == 0 {
		return s.conn.Write(p)
	}
	now := time.Now()
	for since := now; ; now = time.Now() {
		left := s.limit - now.Sub(since)
		if left <= 0 {
			return written, ErrSlowSend
		}
		if err := s.deadline.Extend(s.conn.SetWriteDeadline, now, min(left, s.limit/4)); err != nil {
			return written, err
		}
		n, err := s.conn.Write(p[written:])
		written += n
		s.written.Add(uint64(n))
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return written, err
		}
		if n > 0 {
			since = time.Now()
		}
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
