// Package limitwriter keeps the beginning of an output whose length nothing else bounds: a command's, say, or a log.
package limitwriter

import (
	"io"
	"sync"
)

// Buffer keeps the first bytes that are written to it. It may be used from several goroutines, as the two outputs of a
// command do that share one.
type Buffer struct {
	limit  int
	strict bool

	mu        sync.Mutex
	kept      []byte
	truncated bool
}

// New makes a buffer that keeps limit bytes and silently drops what follows.
func New(limit int) *Buffer { return &Buffer{limit: limit} }

// NewStrict makes a buffer that keeps limit bytes and fails writes of more with io.ErrShortWrite, so that who writes
// stops.
func NewStrict(limit int) *Buffer { return &Buffer{limit: limit, strict: true} }

// Write implements io.Writer.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	fits := min(len(p), b.limit-len(b.kept))
	b.kept = append(b.kept, p[:fits]...)
	if fits == len(p) {
		return len(p), nil
	}
	b.truncated = true
	if b.strict {
		return fits, io.ErrShortWrite
	}
	return len(p), nil
}

// Truncated reports whether more was written than is kept.
func (b *Buffer) Truncated() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.truncated
}

// Bytes is a copy of what is kept.
func (b *Buffer) Bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]byte(nil), b.kept...)
}

// String is what is kept.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.kept)
}
