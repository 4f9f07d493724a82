package downstream

import (
	"crypto/tls"
	"net"
	"time"

	"github.com/ingress-testbed/testbed/proxy/message"
)

// Informational implements Client.
func (c *http1Conn) Informational(reply *message.Response) error {
	if c.request.Minor == 0 { // HTTP/1.0 has none (RFC 9110 section 15.2)
		return nil
	}
	c.writer.status(reply.Status, reply.Reason)
	c.writer.forwarded(reply)
	c.writer.endHeader()
	return c.writer.flush()
}

// Header implements Client.
func (c *http1Conn) Header(h Header) error {
	c.probe.replied = true
	w := &c.writer
	w.chunked = false
	c.rest.discard = h.BodyUnread && c.canDiscardBody()
	c.closing = h.Close || c.request.Close || c.reader.closing || c.server.leaving.Load() || c.server.draining.Load() ||
		h.BodyUnread && !c.rest.discard
	var reason []byte
	if h.Reply != nil {
		reason = h.Reply.Reason
	}
	w.status(h.Status, reason)
	if h.Reply != nil {
		w.forwarded(h.Reply)
	}
	if h.Reply == nil || !h.Reply.Has(message.Date) {
		w.line("Date: ", c.server.dates.At(time.Now()))
	}
	w.out = append(w.out, h.Lines...)
	if c.isEmpty(&h) {
		w.line("Content-Length: ", "0")
	}
	if h.HasBody && h.Length < 0 {
		if c.request.Minor >= 1 {
			w.chunked = true
			w.line("Transfer-Encoding: ", "chunked")
		} else {
			c.closing = true
			c.endByClosing()
		}
	}
	switch {
	case c.closing:
		w.line("Connection: ", "close")
	case c.request.Minor == 0:
		w.line("Connection: ", "keep-alive")
	}
	w.endHeader()
	return nil
}

// isEmpty reports whether a reply of an HTTP/2 endpoint has no body where HTTP/1.1 would expect one unless the header says
// that there is none (RFC 9112 section 6.3).
func (c *http1Conn) isEmpty(h *Header) bool {
	return h.Reply != nil && !h.HasBody && h.Length == 0 && h.Status != 204 && h.Status != 304 &&
		string(c.request.Method) != "HEAD" && !h.Reply.Has(message.ContentLength)
}

// Data implements Client.
func (c *http1Conn) Data(piece []byte) error { return c.writer.data(piece) }

// Flush implements Client.
func (c *http1Conn) Flush() error { return c.writer.flush() }

// End implements Client.
func (c *http1Conn) End(trailers []message.Field) error {
	c.writer.end(trailers)
	err := c.writer.flush()
	if err == nil && c.endsByClosing {
		setLinger(c.conn, -1)
	}
	return err
}

// endByClosing prepares for a reply whose end only that of the connection tells (RFC 9112 section 6.3): until End, however
// the connection is closed, it is reset, so that the client does not take a part of the reply for the whole. TLS has an
// end of its own, see Abort.
func (c *http1Conn) endByClosing() {
	c.endsByClosing = true
	setLinger(c.conn, 0)
}

// setLinger sets SO_LINGER of a TCP connection in plain text: with 0 it is reset when it is closed, with -1 what was written
// is delivered first, as usual.
func setLinger(conn net.Conn, seconds int) {
	if tcp, is := conn.(interface{ SetLinger(seconds int) error }); is {
		_ = tcp.SetLinger(seconds) // a connection that is gone has no end to tell
	}
}

// Abort implements Client: the client finds a length that is not reached, or no last chunk (RFC 9112 section 8). A client
// that knows neither finds that TLS has not ended (section 9.8), or in plain text that the connection was reset.
func (c *http1Conn) Abort() {
	_ = c.writer.flush() // what there is may help to find out why
	c.closing = true
	if encrypted, is := c.conn.(*tls.Conn); is {
		encrypted.NetConn().Close()
		return
	}
	c.conn.Close()
}

// Reset implements Client: HTTP/1.1 has no error codes.
func (c *http1Conn) Reset(uint32) { c.Abort() }
