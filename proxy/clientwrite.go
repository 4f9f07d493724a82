package proxy

import (
	"net/http"
	"strconv"
	"time"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/upstream"
)

// gathered is how much of a reply is gathered before it is written.
const gathered = 16 << 10

func (c *clientConn) informational(reply *message.Response) error {
	c.replying()
	c.out = appendStatusLine(c.out, reply.Status, reply.Reason)
	c.out = reply.AppendForwardedLines(c.out)
	c.out = append(c.out, '\r', '\n')
	return c.flush()
}

func (c *clientConn) header(h replyHeader) error {
	c.replying()
	c.chunked = false
	c.closing = c.closing || h.close
	c.closing = c.closing || c.request.Close || c.server.draining.Load() || h.bodyUnread && !c.canDrain()
	var reason []byte
	if h.reply != nil {
		reason = h.reply.Reason
	}
	c.out = appendStatusLine(c.out, h.status, reason)
	if h.reply != nil {
		c.out = h.reply.AppendForwarded(c.out, h.hsts)
	} else {
		c.out = append(c.out, "Date: "...)
		c.out = time.Now().UTC().AppendFormat(c.out, http.TimeFormat)
		c.out = append(c.out, '\r', '\n')
	}
	c.out = append(c.out, h.extra...)
	if h.hasBody && h.length < 0 {
		if c.request.Minor >= 1 {
			c.chunked = true
			c.out = append(c.out, "Transfer-Encoding: chunked\r\n"...)
		} else {
			c.closing = true
		}
	}
	switch {
	case c.closing:
		c.out = append(c.out, "Connection: close\r\n"...)
	case c.request.Minor == 0:
		c.out = append(c.out, "Connection: keep-alive\r\n"...)
	}
	c.out = append(c.out, '\r', '\n')
	return nil
}

// canDrain says whether the unread rest of the body is small enough to be read, and sure to come.
func (c *clientConn) canDrain() bool {
	return !c.request.ExpectsContinue && c.request.Length >= 0 && c.request.Length <= drainedBody
}

func (c *clientConn) data(piece []byte) error {
	if c.chunked {
		c.out = strconv.AppendInt(c.out, int64(len(piece)), 16)
		c.out = append(c.out, '\r', '\n')
	}
	if len(c.out)+len(piece) <= gathered {
		c.out = append(c.out, piece...)
	} else {
		if err := c.flush(); err != nil {
			return err
		}
		if err := c.write(piece); err != nil {
			return err
		}
	}
	if c.chunked {
		c.out = append(c.out, '\r', '\n')
	}
	return nil
}

func (c *clientConn) end(trailers []message.Field) error {
	if c.chunked {
		c.out = appendLastChunk(c.out, trailers)
	}
	return c.flush()
}

func (c *clientConn) flush() error {
	if len(c.out) == 0 {
		return nil
	}
	err := c.write(c.out)
	c.out = c.out[:0]
	return err
}

func (c *clientConn) write(p []byte) error {
	if err := c.writeLimit.Extend(c.conn.SetWriteDeadline, time.Now(), c.server.config.Timeouts.Body); err != nil {
		return err
	}
	_, err := c.conn.Write(p)
	return err
}

// abort cuts the connection off: a length that is not reached, or a last chunk that is missing, tells the client.
func (c *clientConn) abort() {
	_ = c.flush() // what there is may help to find out why
	c.closing = true
	c.conn.Close()
}

// switchProtocols sends the reply with status 101 and the protocol that was agreed on.
func (c *clientConn) switchProtocols(endpoint *upstream.Conn, extra []byte) error {
	c.replying()
	reply := &endpoint.Reply
	c.out = appendStatusLine(c.out, reply.Status, reply.Reason)
	c.out = reply.AppendForwardedLines(c.out)
	c.out = append(c.out, extra...)
	c.out = append(c.out, "Connection: upgrade\r\nUpgrade: "...)
	c.out = append(c.out, reply.Upgrade...)
	c.out = append(c.out, "\r\n\r\n"...)
	return c.flush()
}

func appendStatusLine(dst []byte, status int, reason []byte) []byte {
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(dst, ' ')
	if len(reason) > 0 {
		dst = append(dst, reason...)
	} else {
		dst = append(dst, http.StatusText(status)...)
	}
	return append(dst, '\r', '\n')
}
