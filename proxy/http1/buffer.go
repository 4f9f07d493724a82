// Package http1 reads HTTP/1.1 messages from a connection (RFC 9112): headers whole, bodies piece by piece, both
// without copying and without allocating once a connection has its buffer.
package http1

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/ingress-testbed/testbed/proxy/message"
)

const (
	// smallBuffer holds the header of nearly every message.
	smallBuffer = 4 << 10
	// LargeBuffer is what bodies are read with.
	LargeBuffer = 64 << 10
)

// Errors of reading.
var (
	ErrHeaderTooLarge = &message.Error{Status: 431, Reason: "the header is too large"}
	ErrTargetTooLong  = &message.Error{Status: 414, Reason: "the request target is too long"}
	ErrBareLF         = &message.Error{Status: 400, Reason: "a line does not end in CR LF"}
	ErrTooEarly       = errors.New("the connection ended within a message")
)

// Buffer is what was read from a connection and not yet used. What it hands out stays valid until the next call of
// ReadHeader, Release or Reset.
type Buffer struct {
	source io.Reader
	data   []byte
	// data[floor:] is free for what comes next; below it lies a header that is still needed. data[read:write] is
	// not yet used.
	floor, read, write int
	large              *[LargeBuffer]byte // data, while a large body is read
	small              []byte             // data, when that is over
}

// Reset makes the buffer empty and read from source.
func (b *Buffer) Reset(source io.Reader) {
	b.Release()
	b.source = source
	b.floor, b.read, b.write = 0, 0, 0
}

// Buffered is the number of bytes that are there.
func (b *Buffer) Buffered() int { return b.write - b.read }

// Peek returns what is there.
func (b *Buffer) Peek() []byte { return b.data[b.read:b.write] }

// Discard uses up n bytes of what is there.
func (b *Buffer) Discard(n int) { b.read += n }

// Fill waits for more bytes, and returns io.EOF when there are no more.
func (b *Buffer) Fill() error {
	if b.data == nil {
		b.data = make([]byte, smallBuffer)
	}
	if b.read == b.write {
		b.read, b.write = b.floor, b.floor
	}
	if b.write == len(b.data) {
		b.makeRoom()
	}
	n, err := b.source.Read(b.data[b.write:])
	b.write += n
	if n > 0 {
		return nil
	}
	if err == nil {
		return io.ErrNoProgress
	}
	return err
}

// makeRoom moves what is there to the floor, or into a larger array if that makes no room.
func (b *Buffer) makeRoom() {
	if b.read > b.floor {
		b.write = b.floor + copy(b.data[b.floor:], b.data[b.read:b.write])
		b.read = b.floor
		return
	}
	grown := make([]byte, 2*len(b.data))
	copy(grown, b.data[:b.write])
	b.data = grown
}

// ReadHeader waits for a whole header of at most limit bytes, its empty line included, and uses it up. Empty lines
// before it are passed over (RFC 9112 section 2.2). An io.EOF before its first byte is returned as such.
func (b *Buffer) ReadHeader(limit int) ([]byte, error) {
	b.Release()
	b.floor = 0
	searched := 0
	for {
		for searched == 0 && b.Buffered() >= 2 && b.data[b.read] == '\r' && b.data[b.read+1] == '\n' {
			b.read += 2
		}
		there := b.Peek()
		if end := bytes.Index(there[searched:], []byte("\r\n\r\n")); end >= 0 {
			end += searched + 4
			if end > limit {
				return nil, tooLarge(there, limit)
			}
			b.read += end
			b.floor = b.read
			return there[:end:end], nil
		}
		if len(there) >= limit {
			return nil, tooLarge(there, limit)
		}
		if hasBareLF(there) {
			return nil, ErrBareLF // the end that it waits for would never come
		}
		searched = max(len(there)-3, 0)
		if err := b.Fill(); err != nil {
			if errors.Is(err, io.EOF) && b.Buffered() > 0 {
				err = ErrTooEarly
			}
			return nil, err
		}
	}
}

func tooLarge(header []byte, limit int) error {
	if line := bytes.IndexByte(header, '\n'); line < 0 || line > limit {
		return ErrTargetTooLong
	}
	return ErrHeaderTooLarge
}

func hasBareLF(text []byte) bool {
	for from := 0; ; {
		at := bytes.IndexByte(text[from:], '\n')
		if at < 0 {
			return false
		}
		if at += from; at == 0 || text[at-1] != '\r' {
			return true
		}
		from = at + 1
	}
}

// largeBuffers are shared by all connections: few have a large body on the way at the same time.
//
//nolint:gochecknoglobals // memory that nobody owns
var largeBuffers = sync.Pool{New: func() any { return new([LargeBuffer]byte) }}

// GetLarge borrows a large buffer; PutLarge gives it back.
func GetLarge() *[LargeBuffer]byte { return largeBuffers.Get().(*[LargeBuffer]byte) }

// PutLarge gives back what GetLarge has lent.
func PutLarge(buffer *[LargeBuffer]byte) { largeBuffers.Put(buffer) }

// Enlarge makes room for a large body. A header that was read before stays valid.
func (b *Buffer) Enlarge() {
	if b.large != nil || b.Buffered() > LargeBuffer/2 {
		return
	}
	b.large, b.small = GetLarge(), b.data
	b.write = copy(b.large[:], b.Peek())
	b.data, b.read, b.floor = b.large[:], 0, 0
}

// Release gives back what Enlarge took, and makes the room of the last header free.
func (b *Buffer) Release() {
	if b.large == nil {
		return
	}
	rest := b.Peek()
	if len(rest) > len(b.small) {
		b.small = make([]byte, len(rest)*2)
	}
	b.write = copy(b.small, rest)
	b.data, b.read, b.floor = b.small, 0, 0
	PutLarge(b.large)
	b.large, b.small = nil, nil
}
