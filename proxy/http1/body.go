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

// maxChunkLine bounds a chunk's size line, leading zeros included. Extensions are allowed by RFC 9112 section 7.1.1, in
// practice unused, and dropped.
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
	reply    bool
	searched int // bytes of an unfinished trailer section that do not hold its end
	trailers []message.Field
}

// Start begins to read the body of a request whose header was just read from in: chunked, or of a length, which is -1
// if only the end of the connection ends it.
func (b *Body) Start(in *Buffer, length int64, isChunked bool) {
	b.start(in, length, isChunked)
	b.reply = false
}

// StartReply is Start for the body of a reply. There, white space after the size of a chunk is accepted (it is against
// RFC 9112 section 7.1, but some servers pad the size), and so is white space between a trailer's name and its colon
// (section 5.1).
func (b *Body) StartReply(in *Buffer, length int64, isChunked bool) {
	b.start(in, length, isChunked)
	b.reply = true
}

func (b *Body) start(in *Buffer, length int64, isChunked bool) {
	b.in, b.left, b.searched, b.trailers = in, length, 0, b.trailers[:0]
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

// Ended reports whether everything was read, trailers included.
func (b *Body) Ended() bool { return b.state == ended }

// Next returns the next piece of the body: as much of it as is there, and if nothing is, what one read brings. The
// piece is valid until the next call. At the end of the body the error is io.EOF; if the connection ends before,
// ErrTooEarly.
func (b *Body) Next() ([]byte, error) {
	for {
		piece, err := b.Available()
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

// Available is Next, but never waits: the piece is empty if nothing was read yet.
func (b *Body) Available() ([]byte, error) {
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

// take consumes the buffered part of the body or chunk.
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

// framing reads what lies between the data of chunked bodies. It reports false if it needs more data.
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
		if b.left, err = parseChunkSize(there[:end], b.reply); err != nil {
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
	end := bytes.Index(there[max(b.searched-3, 0):], []byte("\r\n\r\n"))
	if end < 0 {
		if len(there) > maxTrailers || hasBareLF(there, b.searched) {
			return false, ErrTrailers
		}
		b.searched = len(there)
		return false, nil
	}
	end += max(b.searched-3, 0)
	if b.trailers, err = b.parseTrailers(there[:end+2]); err != nil {
		return false, err
	}
	b.in.Discard(end + 4)
	b.state = ended
	return true, nil
}

func (b *Body) parseTrailers(block []byte) ([]message.Field, error) {
	if b.reply {
		return message.ParseReplyFields(b.trailers, block, maxTrailerFields)
	}
	return message.ParseFields(b.trailers, block, maxTrailerFields)
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

// parseChunkSize reads chunk-size and passes over chunk-ext (RFC 9112 section 7.1). Bad white space before an
// extension must be accepted (section 7.1.1, RFC 9110 section 5.6.3). With no extension after it, it is against the
// grammar; padded reports whether it is accepted nevertheless.
func parseChunkSize(line []byte, padded bool) (size int64, err error) {
	digits, significant := 0, 0
	for ; digits < len(line); digits++ {
		digit := hexDigit(line[digits])
		if digit < 0 {
			break
		}
		if significant == 15 { // it would overflow, and no body is that long
			return 0, ErrChunk
		}
		if size = size<<4 | int64(digit); size > 0 {
			significant++
		}
	}
	if digits == 0 {
		return 0, ErrChunk
	}
	extension := line[digits:]
	start := 0
	for start < len(extension) && (extension[start] == ' ' || extension[start] == '\t') {
		start++
	}
	switch {
	case start == len(extension) && start > 0 && !padded:
		return 0, ErrChunk
	case start < len(extension) && extension[start] != ';':
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
