// Package compress compresses the bodies of replies with gzip (RFC 1952) or Brotli (RFC 7932), as nginx's filters do.
package compress

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"

	"github.com/ingress-testbed/testbed/internal/regex"
	"github.com/ingress-testbed/testbed/proxy/message"
)

// Coding is a content coding, by its name in Accept-Encoding and Content-Encoding.
type Coding string

// The codings.
const (
	Gzip   Coding = "gzip"
	Brotli Coding = "br"
)

// Settings say which replies are compressed with a coding.
type Settings struct {
	Coding    Coding
	Level     int      // 1 to 9 for gzip, 0 to 11 for Brotli
	MinLength int64    // of a body in bytes, if the reply says its length
	Types     []string // media types in lower case, without parameters; "*" is all
	// Except is a regular expression (package regex): clients whose User-Agent matches, in whatever case, get no reply with the coding.
	// "" matches none.
	Except string
}

// Compile compiles Except; the result is nil if that is "".
func (s Settings) Compile() (*regex.Expression, error) {
	if s.Except == "" {
		return nil, nil //nolint:nilnil // no expression is not an error
	}
	return regex.Compile("(?i)" + s.Except)
}

// Equal reports whether two settings are the same.
func (s Settings) Equal(o Settings) bool {
	return s.Coding == o.Coding && s.Level == o.Level && s.MinLength == o.MinLength && s.Except == o.Except &&
		slices.Equal(s.Types, o.Types)
}

// brotliWindow is the binary logarithm of how many bytes an encoder refers back to, which bounds its memory: that of nginx's
// module.
const brotliWindow = 19

// encoder is a *gzip.Writer or a *brotli.Writer.
type encoder interface {
	io.WriteCloser
	Flush() error
	Reset(to io.Writer)
}

// Compressor compresses replies with one coding. Its methods may be called concurrently.
type Compressor struct {
	settings Settings
	except   *regex.Expression // nil if the settings except no client
	encoders sync.Pool
}

// New makes a compressor. It fails if the settings are not valid.
func New(settings Settings) (*Compressor, error) {
	except, err := settings.Compile()
	if err != nil {
		return nil, err
	}
	c := &Compressor{settings: settings, except: except}
	switch {
	case settings.Coding == Gzip && settings.Level >= gzip.BestSpeed && settings.Level <= gzip.BestCompression:
		c.encoders.New = func() any {
			made, _ := gzip.NewWriterLevel(io.Discard, settings.Level) // fails for other levels only
			return made
		}
	case settings.Coding == Brotli && settings.Level >= brotli.BestSpeed && settings.Level <= brotli.BestCompression:
		c.encoders.New = func() any {
			return brotli.NewWriterOptions(io.Discard, brotli.WriterOptions{Quality: settings.Level, LGWin: brotliWindow})
		}
	default:
		return nil, fmt.Errorf("there is no level %d of the content coding %q", settings.Level, settings.Coding)
	}
	return c, nil
}

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

// Accepts reports whether a client understands the coding (RFC 9110 section 12.5.3) and is not excepted. Clients of
// HTTP/1.0 get no coding. As in nginx, a client that accepts "*" gets gzip and never Brotli.
func (c *Compressor) Accepts(request *message.Request) bool {
	if request.Major < 2 && request.Minor == 0 {
		return false
	}
	accepted, _ := request.Lookup("accept-encoding")
	return c.accepts(accepted) && (c.except == nil || !c.except.Match(request.Value(message.UserAgent)))
}

func (c *Compressor) accepts(accepted []byte) bool {
	for len(accepted) > 0 {
		var coding []byte
		coding, accepted, _ = bytes.Cut(accepted, []byte(","))
		name, parameters, _ := bytes.Cut(coding, []byte(";"))
		name = bytes.TrimSpace(name)
		if message.EqualFold(name, string(c.settings.Coding)) || c.settings.Coding == Gzip && string(name) == "*" {
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
func (c *Compressor) Announce(reply *message.Response, lines []byte) []byte {
	if tag := reply.Value("etag"); len(tag) > 0 && tag[0] == '"' {
		lines = append(append(append(lines, "ETag: W/"...), tag...), '\r', '\n')
		reply.RemoveName("etag")
	}
	reply.RemoveName("accept-ranges")
	reply.ForgetLength()
	lines = append(append(lines, "Content-Encoding: "...), c.settings.Coding...)
	return append(lines, '\r', '\n')
}

// Writer compresses one body.
type Writer struct {
	encoder encoder
	pool    *sync.Pool
}

// Writer returns one that writes to w. Release gives it back.
func (c *Compressor) Writer(w io.Writer) *Writer {
	kept, _ := c.encoders.Get().(encoder)
	kept.Reset(w)
	return &Writer{kept, &c.encoders}
}

// Write compresses a piece of the body.
func (w *Writer) Write(piece []byte) (int, error) { return w.encoder.Write(piece) }

// Flush writes what was compressed so far, so that the client can read it.
func (w *Writer) Flush() error { return w.encoder.Flush() }

// Close writes the end.
func (w *Writer) Close() error { return w.encoder.Close() }

// Release releases the writer's memory.
func (w *Writer) Release() {
	w.encoder.Reset(io.Discard)
	w.pool.Put(w.encoder)
}
