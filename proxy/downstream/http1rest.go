package downstream

import (
	"errors"
	"io"
	"time"

	"github.com/ingress-testbed/testbed/proxy/tunnel"
)

const (
	// discardLimit is the size in bytes of an unread request body that is still read to keep the connection.
	discardLimit = 64 << 10
	// lingerTime is how long a client that still sends is read from after the last reply, and lingerIdle how long one
	// that is silent: a connection that is closed with unread bytes is reset, and the reply may be lost (RFC 9112
	// section 9.6).
	lingerTime = 10 * time.Second
	lingerIdle = 2 * time.Second
)

// bodyRest is what to do with the rest of a request body after the reply.
type bodyRest struct {
	discard bool // it is read, and the connection kept
}

// canDiscardBody reports whether the unread rest of the body is small, and sure to come.
func (c *http1Conn) canDiscardBody() bool {
	return !c.request.ExpectsContinue && c.request.Length >= 0 && c.request.Length <= discardLimit
}

// Reusable implements Client.
func (c *http1Conn) Reusable() bool {
	if c.closing {
		c.linger()
		return false
	}
	if c.reader.canceled.Load() {
		if !c.rest.discard && !c.body.Ended() { // of an ended one, an attempt before may have been cancelled
			c.linger()
			return false
		}
		c.reader.resume()
	}
	for read := 0; !c.body.Ended(); {
		piece, err := c.body.Next()
		read += len(piece)
		if err != nil && !errors.Is(err, io.EOF) || read > discardLimit {
			return false
		}
	}
	return true
}

// linger waits for the client to read the last reply.
func (c *http1Conn) linger() {
	if c.body.Ended() && c.in.Buffered() == 0 && !c.reader.canceled.Load() {
		return
	}
	tunnel.CloseWrite(c.conn)
	var discarded [4 << 10]byte
	for end := time.Now().Add(lingerTime); time.Now().Before(end) && c.ctx.Err() == nil; {
		c.conn.SetReadDeadline(time.Now().Add(lingerIdle))
		if _, err := c.conn.Read(discarded[:]); err != nil {
			return
		}
	}
}
