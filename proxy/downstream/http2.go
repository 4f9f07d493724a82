package downstream

import (
	"context"
	"io"
	"net"
	"time"

	"github.com/ingress-testbed/testbed/proxy/downstream/date"
	"github.com/ingress-testbed/testbed/proxy/http2"
	"github.com/ingress-testbed/testbed/proxy/message"
)

// serveHTTP2 serves a connection of HTTP/2. read is what was read from it already.
func (s *Server) serveHTTP2(conn net.Conn, read []byte, peer Peer) {
	timeouts, limits := &s.options.Timeouts, &s.options.Limits
	c := http2.New(conn, read, &http2.Options{
		Streams: limits.Streams, Reading: *s.options.Reading(),
		Header: timeouts.Header, Idle: timeouts.Idle, Body: timeouts.Body, Busy: timeouts.Tunnel,
	}, func() func(*http2.Stream) { return s.newStreamWorker(peer) })
	defer s.connections.track(c)()
	switch { // it may have been tracked too late to be drained with the others
	case s.draining.Load():
		c.Drain()
	case s.leaving.Load():
		c.Leave()
	}
	c.Serve()
}

// newStreamWorker makes what serves one stream after the other.
func (s *Server) newStreamWorker(peer Peer) func(*http2.Stream) {
	handler := s.options.NewHandler(peer)
	client := &streamClient{dates: &s.dates}
	return func(stream *http2.Stream) {
		client.stream = stream
		defer func() { client.stream = nil }()
		if stream.Refused != nil {
			handler.Refuse(client, &stream.Request, time.Now(), stream.Refused)
			return
		}
		handler.Serve(client, &stream.Request, time.Now())
	}
}

// streamClient is the Client of a request that came over HTTP/2.
type streamClient struct {
	stream *http2.Stream
	dates  *date.Cache
	lines  []byte
}

// Body implements Client.
func (c *streamClient) Body() Body { return c.stream }

// CancelBody implements Client.
func (c *streamClient) CancelBody() { c.stream.CancelBody() }

// OnGone implements Client.
func (c *streamClient) OnGone(closer io.Closer) { c.stream.OnGone(closer) }

// Gone implements Client.
func (c *streamClient) Gone() bool { return c.stream.Gone() }

// Context implements Client.
func (c *streamClient) Context() context.Context { return c.stream.Context() }

// Informational implements Client.
func (c *streamClient) Informational(reply *message.Response) error {
	if err := c.stream.WriteHeader(reply.Status, reply, nil, false); err != nil {
		return err
	}
	return c.stream.Flush()
}

// Header implements Client. The end of the stream is left to End where a body or trailers may follow.
func (c *streamClient) Header(h Header) error {
	c.lines = append(c.lines[:0], h.Lines...)
	if h.Reply == nil || !h.Reply.Has(message.Date) {
		c.lines = append(append(c.lines, "Date: "...), c.dates.At(time.Now())...)
		c.lines = append(c.lines, '\r', '\n')
	}
	return c.stream.WriteHeader(h.Status, h.Reply, c.lines, !h.HasBody)
}

// Data implements Client.
func (c *streamClient) Data(piece []byte) error { return c.stream.WriteData(piece) }

// Flush implements Client.
func (c *streamClient) Flush() error { return c.stream.Flush() }

// End implements Client.
func (c *streamClient) End(trailers []message.Field) error { return c.stream.End(trailers) }

// Abort implements Client.
func (c *streamClient) Abort() { c.stream.Abort() }

// Reset implements Client.
func (c *streamClient) Reset(code uint32) { c.stream.Reset(code) }

// Reusable implements Client: streams are never reused.
func (c *streamClient) Reusable() bool { return true }

// Upgrade implements Client.
func (c *streamClient) Upgrade(*message.Response, []byte) (net.Conn, []byte, error) {
	return nil, nil, ErrNoUpgrade
}
