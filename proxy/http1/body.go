package http1

import (
	"bytes"
	"errors"
	"io"

	"github.com/ingress-testbed/testbed/proxy/message"
)

// Errors of bodies.
var (
	ErrChunk      = &message.Error{Status: 400, Reason: "a chunk is malformed"}
	ErrTrailers   = &message.Error{Status: 400, Reason: "the trailer section is malformed"}
	ErrChunkExtra = &message.Error{Status: 400, Reason: "a chunk extension is too long"}
)

// maxChunkLine bounds a chunk's size line. Extensions are allowed by RFC 9112 section 7.1.1, used by nobody, and
// dropped.
const maxChunkLine = 256

// maxTrailers bounds the trailer section, and the number of its fields.
const (
	maxTrailers      = 16 << 10
	maxTrailerFields = 64
)

type bodyState uint8

const (
	ended bodyState = iota
	counted
	untilClose
	chunkSize
	chunkData
	chunkEnd
	trailerSection
)

// Body reads one body from a buffer. Its zero value is an empty body.
type Body struct {
	in       *Buffer
	state    bodyState
	left     int64 // of the body, or of the chunk
	trailers []message.Field
}

// Start begins to read the body whose header was just read from in: chunked, or of a length, which is -1 if it
// goes on until the connection ends.
func (b *Body) Start(in *Buffer, length int64, isChunked bool) {
	b.in, b.left, b.trailers = in, length, b.trailers[:0]
	switch {
	case isChunked:
		b.state = chunkSize
	case length < 0:
		b.state = untilClose
	case length == 0:
		b.state = ended
	default:
		b.state = counted
	}
}

// Trailers are there when Next has returned io.EOF, until the next header is read.
func (b *Body) Trailers() []message.Field { return b.trailers }

// Ended says whether everything was read, trailers included.
func (b *Body) Ended() bool { return b.state == ended }

// Next returns the next piece of the body: as much of it as is there, and if nothing is, what one read brings. The
// piece is valid until the next call. At the end of the body the error is io.EOF; if the connection ends before,
// ErrTooEarly.
func (b *Body) Next() ([]byte, error) {
	for {
		piece, err := b.There()
		if err != nil || len(piece) > 0 {
			return piece, err
		}
		switch err := b.in.Fill(); {
		case errors.Is(err, io.EOF) && b.state == untilClose:
			b.state = ended
			return nil, io.EOF
		case errors.Is(err, io.EOF):
			return nil, ErrTooEarly
		case err != nil:
			return nil, err
		}
	}
}

// There is Next, but never waits: the piece is empty if nothing is there.
func (b *Body) There() ([]byte, error) {
	for {
		switch b.state {
		case ended:
			return nil, io.EOF
		case counted, chunkData:
			return b.take(), nil // never with nothing left: take has changed the state then
		case untilClose:
			piece := b.in.Peek()
			b.in.Discard(len(piece))
			return piece, nil
		default:
			more, err := b.framing()
			if err != nil || !more {
				return nil, err
			}
		}
	}
}

// take uses up what is there of the body or chunk.
func (b *Body) take() []byte {
	piece := b.in.Peek()
	if int64(len(piece)) > b.left {
		piece = piece[:b.left]
	}
	b.in.Discard(len(piece))
	b.left -= int64(len(piece))
	if b.left == 0 {
		if b.state == counted {
			b.state = ended
		} else {
			b.state = chunkEnd
		}
	}
	return piece
}

// framing reads what lies between the data of chunked bodies. It reports false if more is needed to go on.
func (b *Body) framing() (progress bool, err error) {
	there := b.in.Peek()
	switch b.state {
	case chunkEnd:
		if len(there) < 2 {
			return false, nil
		}
		if there[0] != '\r' || there[1] != '\n' {
			return false, ErrChunk
		}
		b.in.Discard(2)
		b.state = chunkSize
	case chunkSize:
		end, err := findLine(there, maxChunkLine)
		if err != nil || end < 0 {
			return false, err
		}
		if b.left, err = parseChunkSize(there[:end]); err != nil {
			return false, err
		}
		b.in.Discard(end + 2)
		b.state = chunkData
		if b.left == 0 {
			b.state = trailerSection
		}
	case trailerSection:
		return b.readTrailers(there)
	default: // the others are data
	}
	return true, nil
}

func (b *Body) readTrailers(there []byte) (progress bool, err error) {
	if len(there) >= 2 && there[0] == '\r' && there[1] == '\n' {
		b.in.Discard(2)
		b.state = ended
		return true, nil
	}
	end := bytes.Index(there, []byte("\r\n\r\n"))
	if end < 0 {
		if len(there) > maxTrailers || hasBareLF(there) {
			return false, ErrTrailers
		}
		return false, nil
	}
	if b.trailers, err = message.ParseFields(b.trailers, there[:end+2], maxTrailerFields); err != nil {
		return false, err
	}
	b.in.Discard(end + 4)
	b.state = ended
	return true, nil
}

// findLine returns the index of the CR LF that ends the line, -1 if it is not there yet.
func findLine(text []byte, limit int) (int, error) {
	end := bytes.IndexByte(text, '\n')
	switch {
	case end < 0 && len(text) > limit, end > limit:
		return 0, ErrChunkExtra
	case end < 0:
		return -1, nil
	case end == 0 || text[end-1] != '\r':
		return 0, ErrChunk
	}
	return end - 1, nil
}

// parseChunkSize reads chunk-size and passes over chunk-ext (RFC 9112 section 7.1).
func parseChunkSize(line []byte) (size int64, err error) {
	digits := 0
	for ; digits < len(line); digits++ {
		digit := hexDigit(line[digits])
		if digit < 0 {
			break
		}
		if digits == 15 { // it would overflow, and nobody means it
			return 0, ErrChunk
		}
		size = size<<4 | int64(digit)
	}
	if digits == 0 {
		return 0, ErrChunk
	}
	extension := line[digits:]
	if len(extension) > 0 && extension[0] != ';' {
		return 0, ErrChunk
	}
	for _, c := range extension {
		if c < ' ' && c != '\t' || c == 0x7f {
			return 0, ErrChunk
		}
	}
	return size, nil
}

func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
