// Package compress compresses the bodies of replies with gzip (RFC 1952), as nginx's gzip filter does.
package compress

import (
	"bytes"
	"compress/gzip"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/ingress-testbed/testbed/proxy/message"
)

// Settings say which replies are compressed.
type Settings struct {
	Level     int      // 1 to 9
	MinLength int64    // of a body in bytes, if the reply says its length
	Types     []string // media types in lower case, without parameters; "*" is all
}

// Compressor compresses replies. Its methods may be called concurrently.
type Compressor struct {
	settings Settings
	writers  sync.Pool
}

// New makes a compressor. The level must be valid.
func New(settings Settings) *Compressor { return &Compressor{settings: settings} }

// Eligible reports whether a reply with a body would be compressed for a client that accepts it: nginx's conditions are
// the status, the type, the length, and that it has no coding yet.
func (c *Compressor) Eligible(reply *message.Response) bool {
	switch reply.Status {
	case 200, 403, 404:
	default:
		return false
	}
	if reply.Length >= 0 && reply.Length < c.settings.MinLength || len(reply.Value("content-encoding")) > 0 {
		return false
	}
	name, _, _ := bytes.Cut(reply.Value("content-type"), []byte(";"))
	name = bytes.TrimSpace(name)
	return len(name) > 0 && slices.ContainsFunc(c.settings.Types, func(known string) bool {
		return known == "*" || message.EqualFold(name, known)
	})
}

// Accepts reports whether a client understands gzip (RFC 9110 section 12.5.3). Clients of HTTP/1.0 get no coding.
func Accepts(request *message.Request) bool {
	if request.Major < 2 && request.Minor == 0 {
		return false
	}
	accepted, _ := request.Lookup("accept-encoding")
	for len(accepted) > 0 {
		var coding []byte
		coding, accepted, _ = bytes.Cut(accepted, []byte(","))
		name, parameters, _ := bytes.Cut(coding, []byte(";"))
		if name = bytes.TrimSpace(name); message.EqualFold(name, "gzip") || string(name) == "*" {
			return !isZero(string(parameters))
		}
	}
	return false
}

// isZero reports whether the weight of a coding is zero.
func isZero(parameters string) bool {
	weight, found := strings.CutPrefix(strings.ToLower(strings.ReplaceAll(parameters, " ", "")), "q=")
	value, err := strconv.ParseFloat(weight, 64)
	return found && err == nil && value == 0
}

// Announce changes the header of a reply to that of its compressed form, and appends the field lines that it needs. A
// strong validator becomes a weak one (RFC 9110 section 8.8.3).
func Announce(reply *message.Response, lines []byte) []byte {
	if tag := reply.Value("etag"); len(tag) > 0 && tag[0] == '"' {
		lines = append(append(append(lines, "ETag: W/"...), tag...), '\r', '\n')
		reply.RemoveName("etag")
	}
	reply.RemoveName("accept-ranges")
	reply.ForgetLength()
	return append(lines, "Content-Encoding: gzip\r\n"...)
}

// Writer compresses one body.
type Writer struct {
	gzip *gzip.Writer
	pool *sync.Pool
}

// Writer returns one that writes to w. Release gives it back.
func (c *Compressor) Writer(w io.Writer) *Writer {
	kept, _ := c.writers.Get().(*gzip.Writer)
	if kept == nil {
		made, err := gzip.NewWriterLevel(w, c.settings.Level)
		if err != nil {
			made = gzip.NewWriter(w) // an invalid level, which New's caller has checked
		}
		kept = made
	}
	kept.Reset(w)
	return &Writer{kept, &c.writers}
}

// Write compresses a piece of the body.
func (w *Writer) Write(piece []byte) (int, error) { return w.gzip.Write(piece) }

// Flush writes what was compressed so far, so that the client can read it.
func (w *Writer) Flush() error { return w.gzip.Flush() }

// Close writes the end.
func (w *Writer) Close() error { return w.gzip.Close() }

// Release gives the writer's memory back.
func (w *Writer) Release() {
	w.gzip.Reset(io.Discard)
	w.pool.Put(w.gzip)
}
