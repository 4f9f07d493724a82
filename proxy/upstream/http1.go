package upstream

import (
	"errors"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/ingress-testbed/testbed/proxy/fastcgi"
	"github.com/ingress-testbed/testbed/proxy/http1"
	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/upstream/wire"
)

// http1Conn is an HTTP/1.1 connection (RFC 9112), and the reply to the request that it serves. A connection of FastCGI is
// one whose messages are wrapped in records.
type http1Conn struct {
	link  wire.Link
	pool  *Pool
	in    http1.Buffer
	out   []byte // the request's header
	one   [1]byte
	reply message.Response
	body  http1.Body

	call       *Call
	waiting    wait
	untilClose bool // only the connection's end tells the end of the reply
	broken     bool // the reply can't be read on
	hijacked   bool
	more       bool // the read that has brought the header has left more of the reply behind, probably
	probing    bool // reads do not wait
}

func newHTTP1(pool *Pool) *http1Conn {
	c := &http1Conn{pool: pool, out: make([]byte, 0, 2<<10)}
	if pool.fastCGI {
		c.in.Reset(fastcgi.NewReader(http1Input{c}, pool.options.Limits.HeaderBytes))
		return c
	}
	c.in.Reset(http1Input{c})
	return c
}

// http1Input is what the buffer of a connection reads from.
type http1Input struct{ conn *http1Conn }

// Read implements io.Reader.
func (i http1Input) Read(p []byte) (int, error) {
	c := i.conn
	now := time.Now()
	if err := c.waiting.overdue(now); err != nil {
		return 0, err
	}
	if err := c.link.ExtendRead(now, c.waiting.slice()); err != nil {
		return 0, err
	}
	if c.probing {
		return c.link.Probe(p)
	}
	n, err := c.link.Read(p)
	if c.link.Pending() && !errors.Is(err, os.ErrDeadlineExceeded) {
		return 0, wire.ErrStale // there was something, or the end
	}
	return n, err
}

// roundTrip sends the call and reads the header of the reply. On wire.ErrStale nothing was sent.
func (c *http1Conn) roundTrip(call *Call, now time.Time) (Reply, error) {
	c.call, c.waiting = call, wait{call: call, pool: c.pool, link: &c.link, since: now}
	c.broken, c.untilClose, c.hijacked = false, false, false
	err := c.send()
	if err == nil {
		err = c.readHeader()
	}
	if err != nil {
		return nil, err
	}
	call.forgetPrefix()
	c.start()
	return c, nil
}

// send sends the header and the part of the body that was received; the rest follows while the reply is awaited.
func (c *http1Conn) send() error {
	call := c.call
	call.sender.begin()
	if c.pool.fastCGI {
		c.out = appendFastCGI(c.out[:0], call)
	} else {
		c.out = appendHTTP1(c.out[:0], call)
	}
	c.link.LimitSend(call.Timeouts.Send)
	if call.whole {
		return c.link.Send(c.out)
	}
	if n, err := c.link.Probe(c.one[:]); n > 0 || err != nil {
		return wire.ErrStale
	}
	if err := c.link.Write(c.out); err != nil {
		return err
	}
	call.sender.start(call, c, nil)
	return nil
}

// appendHTTP1 appends the request's header and the beginning of its body.
func appendHTTP1(dst []byte, call *Call) []byte {
	r := call.Request
	dst = append(dst, r.Method...)
	dst = append(dst, ' ')
	dst = append(dst, call.Path...)
	if r.HasQuery {
		dst = append(dst, '?')
		dst = append(dst, r.Query...)
	}
	version := " HTTP/1.1\r\nHost: "
	if call.HTTP10 {
		version = " HTTP/1.0\r\nHost: "
	}
	dst = append(dst, version...)
	dst = append(dst, call.Host...)
	dst = append(dst, '\r', '\n')
	dst = append(dst, call.Lines...)
	dst = r.AppendForwarded(dst)
	chunked := r.Length < 0 && !call.HTTP10
	switch {
	case chunked:
		dst = append(dst, "Transfer-Encoding: chunked\r\n"...)
	case r.Length < 0: // RoundTrip has made sure that the body is whole
		dst = append(dst, "Content-Length: "...)
		dst = strconv.AppendInt(dst, int64(len(call.prefix)), 10)
		dst = append(dst, '\r', '\n')
	}
	if call.closes() {
		dst = append(dst, "Connection: close\r\n"...)
	}
	if len(r.Upgrade) > 0 && !call.HTTP10 {
		dst = append(dst, "Connection: upgrade\r\nUpgrade: "...)
		dst = append(dst, r.Upgrade...)
		dst = append(dst, '\r', '\n')
	}
	dst = append(dst, '\r', '\n')
	switch {
	case !chunked:
		dst = append(dst, call.prefix...)
	default:
		if len(call.prefix) > 0 {
			dst = appendChunk(dst, call.prefix)
		}
		if call.whole {
			dst = appendLastChunk(dst, call.Body.Trailers())
		}
	}
	return dst
}

// appendChunk appends a chunk (RFC 9112 section 7.1).
func appendChunk(dst, data []byte) []byte {
	dst = strconv.AppendInt(dst, int64(len(data)), 16)
	dst = append(dst, '\r', '\n')
	dst = append(dst, data...)
	return append(dst, '\r', '\n')
}

// appendLastChunk appends the last chunk and the trailers that may be forwarded.
func appendLastChunk(dst []byte, trailers []message.Field) []byte {
	dst = append(dst, "0\r\n"...)
	dst = message.AppendTrailers(dst, trailers)
	return append(dst, '\r', '\n')
}

// sendPiece implements bodySink.
func (c *http1Conn) sendPiece(piece []byte) error {
	if len(piece) == 0 {
		return nil
	}
	switch {
	case c.pool.fastCGI:
		c.out = fastcgi.AppendBody(c.out[:0], piece)
		piece = c.out
	case c.call.Request.Length < 0:
		c.out = appendChunk(c.out[:0], piece)
		piece = c.out
	}
	return c.link.Write(piece)
}

// sendEnd implements bodySink.
func (c *http1Conn) sendEnd(trailers []message.Field) error {
	if c.pool.fastCGI {
		c.out = fastcgi.AppendBodyEnd(c.out[:0])
		return c.link.Write(c.out)
	}
	if c.call.Request.Length >= 0 {
		return nil
	}
	c.out = appendLastChunk(c.out[:0], trailers)
	return c.link.Write(c.out)
}

// readHeader reads headers until one is final or changes protocols, and sends informational ones to the client. Their size is
// bounded as that of one header, and they don't restart the time limit.
func (c *http1Conn) readHeader() error {
	limits := &c.pool.options.Limits
	for informational := 0; ; {
		head, err := c.in.ReadHeader(limits.HeaderBytes)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			if err = c.waiting.nextForHead(); err == nil {
				c.releaseRequest()
				continue
			}
		}
		if err != nil {
			return err
		}
		if err := c.reply.Parse(head, limits.HeaderFields); err != nil {
			return err
		}
		switch {
		case c.reply.Status == 101:
			if r := c.call.Request; len(r.Upgrade) == 0 || r.LoneUpgrade || c.call.HTTP10 {
				return errUnrequestedUpgrade
			}
			return c.call.sender.wait() // RFC 9110 section 7.8: the new protocol begins after the request
		case c.reply.Status >= 200:
			return nil
		case c.reply.Status == 100:
			c.call.sender.invite()
		}
		if informational += len(head); informational > limits.HeaderBytes {
			return errTooManyInformational
		}
		if err := c.forwardInterim(); err != nil {
			return err
		}
	}
}

func (c *http1Conn) forwardInterim() error {
	if !c.call.takesInterim() {
		return nil
	}
	if err := c.call.Client.Informational(&c.reply); err != nil {
		return errors.Join(ErrClientGone, err)
	}
	return nil
}

// releaseRequest frees the memory of a request that the endpoint takes its time to answer.
func (c *http1Conn) releaseRequest() {
	if c.call.whole && !c.link.Pending() && cap(c.out) > smallBuffer {
		c.out = nil
	}
}

// abort implements conn and bodySink.
func (c *http1Conn) abort() { _ = c.link.Close() }

// closer implements conn.
func (c *http1Conn) closer() io.Closer { return &c.link }

// base implements conn.
func (c *http1Conn) base() *wire.Link { return &c.link }
