package downstream

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"time"

	"github.com/ingress-testbed/testbed/proxy/http1"
	"github.com/ingress-testbed/testbed/proxy/message"
)

// http1Conn is an HTTP/1.1 connection, and the Client of its requests. One goroutine reads a request, runs the
// handler, and then does the same again.
type http1Conn struct {
	conn    net.Conn
	server  *Server
	handler Handler
	ctx     context.Context //nolint:containedctx // the connection's own

	reader  requestReader
	in      http1.Buffer
	request message.Request
	body    http1.Body
	writer  replyWriter
	probe   disconnectProbe

	// closing is set if the reply has, or will have, "Connection: close".
	closing bool
	// endsByClosing says that the end of the connection is that of the reply.
	endsByClosing bool
	// rest is what to do with a request body that is not read to its end.
	rest bodyRest
}

// http2Preface is what a client sends first for HTTP/2 by prior knowledge (RFC 9113 section 3.4), as far as it looks
// like a header of HTTP/1.1.
const http2Preface = "PRI * HTTP/2.0\r\n\r\n"

// serveHTTP1 serves a connection until it ends. It reports true if the client speaks HTTP/2 instead, and returns what
// was read.
func (s *Server) serveHTTP1(conn net.Conn, peer Peer) (read []byte, isHTTP2 bool) {
	ctx, cancel := context.WithCancel(s.closed)
	defer cancel()
	c := &http1Conn{conn: conn, server: s, handler: s.options.NewHandler(peer), ctx: ctx}
	c.reader = requestReader{conn: conn, timeouts: &s.options.Timeouts, draining: &s.draining}
	c.writer = replyWriter{conn: conn, limit: s.options.Timeouts.Body}
	c.in.Reset(&c.reader)
	defer s.connections.track(c)()
	if isHTTP2 = c.serve(); isHTTP2 {
		return bytes.Clone(c.in.Peek()), true
	}
	return nil, false
}

// serve answers requests until the connection ends. It reports true if the client speaks HTTP/2 instead; what was read
// is in c.in then.
func (c *http1Conn) serve() (isHTTP2 bool) {
	for first := true; ; first = false {
		c.reader.next(c.in.Buffered() > 0, first)
		header, err := c.in.ReadHeader(c.reading().Bytes)
		if err != nil {
			c.request.Method = nil // that of the request before, whose memory was given back
			c.refuse(err)
			return false
		}
		if first && string(header) == http2Preface {
			c.in.Discard(-len(header)) // nothing was used
			return true
		}
		now := time.Now()
		c.reader.phase = awaitBody
		if err := c.request.ParseWith(header, c.reading()); err != nil {
			c.refuse(err)
			return false
		}
		c.begin(c.request.Length, c.request.Chunked)
		if !c.handler.Serve(c, &c.request, now) {
			return false
		}
		c.request.Release()
		c.writer.shrink()
	}
}

// reading returns how the next request is read.
func (c *http1Conn) reading() *message.Reading { return c.server.options.Reading() }

// begin prepares for a request whose header was just read.
func (c *http1Conn) begin(length int64, chunked bool) {
	c.body.Start(&c.in, length, chunked)
	c.closing, c.rest = false, bodyRest{}
	c.probe = disconnectProbe{}
}

// refuse answers a header that could not be read or parsed. A connection that ends before a request gets no reply.
func (c *http1Conn) refuse(err error) {
	var reason *message.Error
	switch {
	case errors.As(err, &reason):
	case c.reader.phase == awaitHeader && errors.Is(err, os.ErrDeadlineExceeded):
		reason = &message.Error{Status: 408, Reason: "the header did not come in time"}
	default:
		return
	}
	method := c.request.Method
	c.request = message.Request{Major: 1, Minor: 1, Close: true, Method: method}
	c.begin(-1, false) // what follows is discarded
	c.handler.Refuse(c, &c.request, time.Now(), reason)
}

// Drain implements connection: a connection that is not idle ends after the running request, and one that has had none after
// its first.
func (c *http1Conn) Drain() { c.reader.drain() }

// Leave implements connection: Header reads from the server that the next reply is the last.
func (c *http1Conn) Leave() {}

// CloseIdle implements connection.
func (c *http1Conn) CloseIdle() bool { return c.reader.closeIdle() }

// Body implements Client.
func (c *http1Conn) Body() Body { return &c.body }

// CancelBody implements Client.
func (c *http1Conn) CancelBody() { c.reader.cancel() }

// OnGone implements Client: HTTP/1.1 connections detect a disconnect only if watched.
func (c *http1Conn) OnGone(io.Closer) {}

// Context implements Client.
func (c *http1Conn) Context() context.Context { return c.ctx }

// Upgrade implements Client.
func (c *http1Conn) Upgrade(reply *message.Response, lines []byte) (net.Conn, []byte, error) {
	c.closing = true
	c.probe.replied = true
	c.writer.upgrade(reply, lines)
	if err := c.writer.flush(); err != nil {
		return nil, nil, err
	}
	c.writer.out = nil
	return c.conn, c.in.Peek(), nil
}
