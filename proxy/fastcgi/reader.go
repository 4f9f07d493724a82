package fastcgi

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/ingress-testbed/testbed/proxy/message"
)

// Errors of replies.
var (
	errRecord   = &message.Error{Status: 502, Reason: "a FastCGI record is malformed"}
	errHeader   = &message.Error{Status: 502, Reason: "the header of a FastCGI reply is malformed"}
	errTooLarge = &message.Error{Status: 502, Reason: "the header of a FastCGI reply is too large"}
)

// Reader reads the reply to a request: its Read returns a header of HTTP/1.1, then the body, and io.EOF where the
// application has ended the request. An error of the connection, such as a time-out, may be followed by another Read.
type Reader struct {
	in    io.Reader
	limit int

	raw        []byte // what was read of the connection
	start, end int    // of the part of raw that is not used yet
	kind       byte   // of the current record
	left       int    // of the current record's content
	padding    int    // that follows it
	ended      bool

	head   []byte // of CGI, until it is whole
	isBody bool   // head is whole
	out    []byte // is returned next
}

// bufferSize is that of the buffer for records. Larger pieces of bodies are read directly.
const bufferSize = 4 << 10

// NewReader returns a reader of replies whose header has at most limit bytes.
func NewReader(in io.Reader, limit int) *Reader {
	return &Reader{in: in, limit: limit, raw: make([]byte, bufferSize)}
}

// Read implements io.Reader.
func (r *Reader) Read(p []byte) (int, error) {
	for {
		switch {
		case len(r.out) > 0:
			n := copy(p, r.out)
			r.out = r.out[n:]
			return n, nil
		case r.ended:
			return 0, io.EOF
		case r.left > 0 && r.kind == typeStdout && r.isBody:
			return r.readBody(p)
		}
		if err := r.proceed(); err != nil {
			return 0, err
		}
	}
}

// readBody reads from the current record, past the buffer if that is empty.
func (r *Reader) readBody(p []byte) (int, error) {
	p = p[:min(len(p), r.left)]
	var n int
	var err error
	if r.start < r.end {
		n = copy(p, r.raw[r.start:r.end])
		r.start += n
	} else {
		n, err = r.in.Read(p)
	}
	r.left -= n
	return n, early(err)
}

// proceed handles what is buffered, or reads more.
func (r *Reader) proceed() error {
	available := r.end - r.start
	switch {
	case r.left > 0 && available > 0:
		content := r.raw[r.start : r.start+min(r.left, available)]
		r.start += len(content)
		r.left -= len(content)
		if r.kind == typeStdout {
			return r.addHead(content)
		}
		return nil // what the application says about errors
	case r.left > 0:
		return r.fill()
	case r.padding > 0 && available > 0:
		skipped := min(r.padding, available)
		r.start += skipped
		r.padding -= skipped
		return nil
	case r.padding > 0 || available < headerSize:
		return r.fill()
	}
	header := r.raw[r.start : r.start+headerSize]
	r.start += headerSize
	return r.begin(header)
}

// begin begins a record.
func (r *Reader) begin(header []byte) error {
	if header[0] != version {
		return errRecord
	}
	r.kind, r.left, r.padding = header[1], int(binary.BigEndian.Uint16(header[4:])), int(header[6])
	if binary.BigEndian.Uint16(header[2:]) != request {
		r.kind = 0 // about the connection, or a request that there is not
		return nil
	}
	switch r.kind {
	case typeEnd:
		r.ended = true
		if !r.isBody {
			return errHeader
		}
	case typeStdout, typeStderr:
	default:
		return errRecord
	}
	return nil
}

// fill reads more of the connection.
func (r *Reader) fill() error {
	if r.start > 0 {
		r.end = copy(r.raw, r.raw[r.start:r.end])
		r.start = 0
	}
	n, err := r.in.Read(r.raw[r.end:])
	r.end += n
	if n > 0 {
		return nil
	}
	return early(err)
}

// early is the error of a connection that ends before the reply does.
func early(err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("the FastCGI application closed the connection: %w", io.ErrUnexpectedEOF)
	}
	return err
}

// addHead collects the header. What follows it is the beginning of the body.
func (r *Reader) addHead(content []byte) error {
	r.head = append(r.head, content...)
	head, rest, found := cutHead(r.head)
	switch {
	case found && len(head) > r.limit, len(r.head) > r.limit+len("\r\n") && !found:
		return errTooLarge
	case !found:
		return nil
	}
	converted, err := convert(head)
	if err != nil {
		return err
	}
	r.isBody, r.out = true, append(converted, rest...)
	r.head = nil
	return nil
}
