// Package http1 reads HTTP/1.1 messages from a connection (RFC 9112): headers whole, bodies piece by piece, without
// copying, and without allocating once a connection has its buffer. Requests are read strictly. In replies white space
// after the size of a chunk is accepted, because some servers send it.
package http1

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/ingress-testbed/testbed/proxy/message"
)

const (
	// smallBuffer holds the header of nearly every message, and is all that an idle connection keeps.
	smallBuffer = 4 << 10
	// LargeBuffer is what large headers and bodies are read with.
	LargeBuffer = 64 << 10
	// leastFree is how many bytes there must be for a read.
	leastFree = smallBuffer / 4
)

// Errors of reading.
var (
	ErrHeaderTooLarge = &message.Error{Status: 431, Reason: "the header is too large"}
	ErrTargetTooLong  = message.ErrTargetTooLong
	ErrBareLF         = &message.Error{Status: 400, Reason: "a line does not end in CR LF"}
	ErrNotHTTP        = &message.Error{Status: 400, Reason: "what was received is not a message of HTTP/1"}
	ErrTooEarly       = errors.New("the connection ended within a message")
)

// Buffer holds what was read from a connection and not yet used. What it hands out stays valid until the next call of
// ReadHeader, Release or Reset.
//
// It is small until a read fills it: then there is probably more, and the next read is a large one, into memory that
// is borrowed. A read that leaves room in the large one has taken all that there was; the next will probably wait, and
// does so with the small one. So connections that wait, be it between messages or within one, hold 4 KiB. The
// exception is a body after a header that was too large for the small one: the header must stay valid.
type Buffer struct {
	source io.Reader
	data   []byte
	// data[floor:] is free for reading; below it lies a header that is still needed. data[read:write] is not yet used.
	floor, read, write int
	filled             bool               // the last read left no room
	large              *[LargeBuffer]byte // data, if it is borrowed
	small              []byte             // data, when large is given back
	smallFloor         int                // the floor then
}

// Reset makes the buffer empty and read from source.
func (b *Buffer) Reset(source io.Reader) {
	b.read, b.write = 0, 0
	b.Release()
	b.source = source
}

// Buffered is the number of bytes that were read and not used.
func (b *Buffer) Buffered() int { return b.write - b.read }

// Peek returns what was read and not used.
func (b *Buffer) Peek() []byte { return b.data[b.read:b.write] }

// Discard uses up n bytes of what Peek returns.
func (b *Buffer) Discard(n int) { b.read += n }

// Filled reports whether the last read has left no room, so that more has probably been received.
func (b *Buffer) Filled() bool { return b.filled }

// Fill waits for more bytes, and returns io.EOF at the end.
func (b *Buffer) Fill() error {
	b.prepare()
	free := b.data[b.write:]
	n, err := b.source.Read(free)
	b.write += n
	b.filled = n == len(free)
	if n > 0 {
		return nil
	}
	if err == nil {
		return io.ErrNoProgress
	}
	return err
}

// prepare makes room for a read: large after one that has filled the buffer, else small if possible.
func (b *Buffer) prepare() {
	empty := b.read == b.write
	switch {
	case b.data == nil:
		b.data = make([]byte, smallBuffer)
	case b.filled:
		b.Enlarge()
	case empty && b.large != nil && b.floor == 0:
		b.shrink()
	}
	if b.read == b.write {
		b.read, b.write = b.floor, b.floor
	}
	if len(b.data)-b.write < leastFree {
		b.makeRoom()
	}
}

// makeRoom moves what is unused to the floor, or into another array if that makes too little room.
func (b *Buffer) makeRoom() {
	if b.read > b.floor {
		b.write = b.floor + copy(b.data[b.floor:], b.data[b.read:b.write])
		b.read = b.floor
	}
	unused := b.Peek()
	switch {
	case len(b.data)-b.write >= leastFree:
	case len(unused) > 0 && b.canEnlarge():
		b.Enlarge()
	default:
		// A header may lie below the floor of the old array, which therefore is not given back.
		size := smallBuffer
		if len(unused) > 0 {
			size = max(2*len(unused), LargeBuffer)
		}
		b.data = make([]byte, size)
		b.write = copy(b.data, unused)
		b.read, b.floor, b.large, b.small = 0, 0, nil, nil
	}
}

// ReadHeader waits for a whole header of at most limit bytes, its empty line included, and uses it up. Empty lines
// before it are passed over (RFC 9112 section 2.2). An io.EOF before its first byte is returned as such. What does not begin
// like a message is ErrNotHTTP at once.
func (b *Buffer) ReadHeader(limit int) ([]byte, error) {
	b.Release()
	searched := 0 // bytes that hold neither the end of the header nor a bare LF
	for {
		for b.Buffered() >= 2 && b.data[b.read] == '\r' && b.data[b.read+1] == '\n' {
			b.read += 2
			searched = 0
		}
		unused := b.Peek()
		if len(unused) > 0 && !startsMessage(unused[0]) {
			return nil, ErrNotHTTP // such as a TLS handshake, which would never have the end of a header
		}
		before := max(searched-3, 0)
		if end := bytes.Index(unused[before:], []byte("\r\n\r\n")); end >= 0 {
			end += before + 4
			if end > limit {
				return nil, tooLarge(unused, limit)
			}
			b.read += end
			b.floor = b.read
			return unused[:end:end], nil
		}
		if len(unused) >= limit {
			return nil, tooLarge(unused, limit)
		}
		if hasBareLF(unused, searched) {
			return nil, ErrBareLF // the header would never end
		}
		searched = len(unused)
		if err := b.Fill(); err != nil {
			if errors.Is(err, io.EOF) && b.Buffered() > 0 {
				err = ErrTooEarly
			}
			return nil, err
		}
	}
}

// startsMessage reports whether a header may begin with a character: a method or a version is a token. A bare LF has an error of
// its own, and after a CR the LF of an empty line may follow.
func startsMessage(c byte) bool { return c == '\r' || c == '\n' || message.IsToken([]byte{c}) }

func tooLarge(header []byte, limit int) error {
	if line := bytes.IndexByte(header, '\n'); line < 0 || line > limit {
		return ErrTargetTooLong
	}
	return ErrHeaderTooLarge
}

// hasBareLF looks from an index on for an LF without CR.
func hasBareLF(text []byte, from int) bool {
	for {
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

// largeBuffers are shared by all connections: few of them need one at the same time.
//
//nolint:gochecknoglobals // a pool of memory
var largeBuffers = sync.Pool{New: func() any { return new([LargeBuffer]byte) }}

// GetLarge borrows a large buffer; PutLarge gives it back.
func GetLarge() *[LargeBuffer]byte { return largeBuffers.Get().(*[LargeBuffer]byte) }

// PutLarge gives back what GetLarge has lent.
func PutLarge(buffer *[LargeBuffer]byte) { largeBuffers.Put(buffer) }

// Enlarge makes the next read a large one, if one is expected to be worth it. A header that was read before stays
// valid.
func (b *Buffer) Enlarge() {
	if !b.canEnlarge() {
		return
	}
	b.filled = true
	b.large, b.small, b.smallFloor = GetLarge(), b.data, b.floor
	b.write = copy(b.large[:], b.Peek())
	b.data, b.read, b.floor = b.large[:], 0, 0
}

func (b *Buffer) canEnlarge() bool { return len(b.data) < LargeBuffer && b.Buffered() <= LargeBuffer/2 }

// shrink gives back what Enlarge has borrowed, and keeps what is unused, which must fit.
func (b *Buffer) shrink() {
	large, unused := b.large, b.Peek()
	b.data, b.floor = b.small, b.smallFloor
	b.large, b.small = nil, nil
	if len(b.data)-b.floor < max(leastFree, len(unused)) { // the header that lies there fills it
		b.data, b.floor = make([]byte, smallBuffer), 0
	}
	b.read, b.write = b.floor, b.floor+copy(b.data[b.floor:], unused)
	PutLarge(large)
}

// Release ends the validity of what was handed out, and gives back memory that the rest does not need.
func (b *Buffer) Release() {
	b.floor, b.smallFloor = 0, 0
	switch unused := b.Peek(); {
	case len(unused) > smallBuffer:
	case b.large != nil:
		b.shrink()
	case len(b.data) > smallBuffer:
		b.data = make([]byte, smallBuffer)
		b.read, b.write = 0, copy(b.data, unused)
	}
}
