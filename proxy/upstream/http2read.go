package upstream

import (
	"errors"
	"io"
	"os"
	"time"

	xhttp2 "golang.org/x/net/http2"

	"github.com/ingress-testbed/testbed/proxy/http2/frames"
	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/upstream/wire"
)

// readHead reads field sections until one is final, and sends informational replies to the client. Their size is bounded as
// that of one header, and they don't restart the time limit.
func (c *http2Conn) readHead() error {
	limits := &c.pool.options.Limits
	for informational := 0; ; {
		event, err := c.next()
		switch {
		case err != nil:
			return err
		case event == needMore:
			if err := c.fill(); err != nil {
				return err
			}
			continue
		case event != headRead:
			return frames.ErrMalformed
		case c.reply.Status >= 200:
			return nil
		case c.reply.Status == 101: // RFC 9113 section 8.6
			return errUnrequestedUpgrade
		case c.reply.Status == 100:
			c.call.sender.invite()
		}
		if informational += c.section.Size(); informational > limits.HeaderBytes {
			return errTooManyInformational
		}
		if !c.call.takesInterim() {
			continue
		}
		if err := c.call.Client.Informational(&c.reply); err != nil {
			return errors.Join(ErrClientGone, err)
		}
	}
}

func (c *http2Conn) beginSection(h frames.Header) error {
	ends := h.Flags.Has(xhttp2.FlagHeadersEndStream)
	if c.state == awaitBody && !ends {
		return frames.ErrMalformed // trailers end the stream
	}
	c.inHeaders, c.sectionEnds, c.sectionBytes = true, ends, frames.HeaderSize+h.Length
	if c.state == awaitBody {
		c.headLines = c.section.Keep(c.trailerLines) // the reply's header stays where it is
	}
	c.section.Begin(c.state == awaitBody, c.pool.options.Limits.HeaderBytes)
	return nil
}

// endSection makes a header or trailers of the fields that were read.
func (c *http2Conn) endSection() (event, error) {
	c.inHeaders = false
	if err := c.decoder.Close(); err != nil {
		return needMore, err
	}
	lines, err := c.section.End()
	if err != nil {
		return needMore, err
	}
	fields := c.pool.options.Limits.HeaderFields
	if c.state == awaitBody {
		c.trailerLines = c.section.Keep(c.headLines)
		if c.trailers, err = message.ParseFields(c.trailers[:0], lines, fields); err != nil {
			return needMore, err
		}
		return needMore, c.endReply()
	}
	if err := c.reply.ParseFieldLines(c.section.Status, lines, fields); err != nil {
		return needMore, err
	}
	if c.reply.Status < 200 {
		if c.sectionEnds {
			return needMore, frames.ErrMalformed
		}
		return headRead, nil
	}
	c.state = awaitBody
	c.declared = c.section.Length
	if c.sectionEnds {
		if err := c.endReply(); err != nil {
			return needMore, err
		}
		if c.reply.HasBody(c.call.Request.Method) {
			c.reply.Length = 0 // it has none, and no Content-Length says so
		}
	}
	return headRead, nil
}

// endReply records that the endpoint has ended the stream.
func (c *http2Conn) endReply() error {
	c.state = replyEnded
	c.silence = 0
	if c.declared >= 0 && c.received != c.declared && c.reply.HasBody(c.call.Request.Method) {
		return errBodyLength
	}
	return nil
}

// http2Input is what the buffer of a connection reads from.
type http2Input struct{ conn *http2Conn }

// Read implements io.Reader.
func (i http2Input) Read(p []byte) (int, error) {
	c := i.conn
	if c.probing {
		n, err := c.link.Probe(p)
		if err != nil {
			return 0, wire.ErrStale
		}
		return n, nil
	}
	now := time.Now()
	if err := c.waiting.overdue(now); err != nil {
		return 0, err
	}
	if err := c.link.ExtendRead(now, c.waiting.slice()); err != nil {
		return 0, err
	}
	n, err := c.link.Read(p)
	if !c.sent {
		c.sent = !c.link.Pending()
		if !c.sent && n == 0 && !errors.Is(err, os.ErrDeadlineExceeded) {
			return 0, wire.ErrStale
		}
	}
	if n > 0 {
		c.lastRead, c.pinged = now, time.Time{}
	}
	return n, err
}

// fill waits for more bytes of frames.
func (c *http2Conn) fill() error {
	if c.sent {
		c.mu.Lock()
		err := c.flush()
		c.mu.Unlock()
		if err != nil {
			return err
		}
	} else if c.link.Reused() && c.partial() {
		// The rest of the frame must come before the request is sent: it may belong to a stream that was not opened.
		return c.lookForFrames()
	}
	for {
		err := c.in.Fill()
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			if errors.Is(err, io.EOF) {
				return errConnEnded // io.EOF would be the end of the reply
			}
			return err
		}
		next := c.waiting.next
		if c.state == awaitHead {
			next = c.waiting.nextForHead
		}
		if err := next(); err != nil {
			return err
		}
		if err := c.checkAlive(); err != nil {
			return err
		}
		c.releaseBuffers()
	}
}

// lookForFrames reads and handles the frames that were received before the request is written.
func (c *http2Conn) lookForFrames() error {
	for {
		if event, err := c.next(); err != nil || event != needMore {
			return wire.ErrStale
		}
		c.probing = true
		err := c.in.Fill()
		c.probing = false
		if errors.Is(err, io.ErrNoProgress) { // nothing was received
			if c.link.Reused() && c.partial() {
				return wire.ErrStale
			}
			return nil
		}
		if err != nil {
			return wire.ErrStale
		}
	}
}

// partial reports whether a frame has begun and not ended.
func (c *http2Conn) partial() bool {
	return c.in.Buffered() > 0 || c.frame.open || c.inHeaders
}

// releaseBuffers frees memory that is not needed while the endpoint is silent.
func (c *http2Conn) releaseBuffers() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sent && !c.writing && len(c.out) == 0 {
		if cap(c.out) > smallBuffer {
			c.out = nil
		}
		if cap(c.spare) > smallBuffer {
			c.spare = nil
		}
	}
}

// An endpoint that is silent for long is sent a PING (RFC 9113 section 6.7), and given up if the answer does not come. More
// than one such PING in five minutes is too many for some gRPC servers. None is sent behind a body that the endpoint is
// slow to take: the answer would be late for another reason.
const (
	pingAfter   = 30 * time.Second
	pingAgain   = 5*time.Minute + 10*time.Second
	pingTimeout = 15 * time.Second
)

var errDead = &timeoutError{"the endpoint's connection is dead: it did not answer a PING"}

func (c *http2Conn) checkAlive() error {
	now := time.Now()
	if !c.pinged.IsZero() {
		if now.Sub(c.pinged) >= pingTimeout {
			return errDead
		}
		return nil
	}
	silent := pingAfter
	if c.silence > 0 {
		silent = pingAgain
	}
	if !c.sent || now.Sub(c.lastRead) < silent || c.call.sender.writing() {
		return nil
	}
	c.pinged = now
	c.silence++
	c.mu.Lock()
	defer c.mu.Unlock()
	var data [8]byte
	c.out = frames.AppendPing(c.out, false, data[:])
	return c.flush()
}
