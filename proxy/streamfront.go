package proxy

import (
	"io"
	"net"
	"time"

	"github.com/ingress-testbed/testbed/proxy/forwarded"
	"github.com/ingress-testbed/testbed/proxy/http2"
	"github.com/ingress-testbed/testbed/proxy/message"
)

// serveHTTP2 serves a connection of a client that speaks HTTP/2. read is what was read from it already.
func (s *Server) serveHTTP2(conn net.Conn, read []byte, client *forwarded.Connection) {
	timeouts, limits := &s.config.Timeouts, &s.config.Limits
	c := http2.New(conn, read, &http2.Options{
		Streams: limits.Streams, HeaderBytes: limits.HeaderBytes, HeaderFields: limits.HeaderFields,
		Header: timeouts.Header, Idle: timeouts.Idle, Body: timeouts.Body, Busy: timeouts.Tunnel,
	}, func() func(*http2.Stream) { return s.newStreamWorker(client) })
	defer s.connections.track(c)()
	if s.draining.Load() {
		c.Drain() // tracked too late to be told
	}
	c.Serve()
}

// newStreamWorker makes what serves one stream after the other.
func (s *Server) newStreamWorker(client *forwarded.Connection) func(*http2.Stream) {
	f := &streamFront{}
	f.exchange = exchange{server: s, client: client, front: f}
	return func(stream *http2.Stream) {
		f.Stream, f.request = stream, &stream.Request
		if stream.Refused != nil {
			f.refuse(time.Now(), stream.Refused)
			return
		}
		f.serve(time.Now())
	}
}

// streamFront is the front of a request that came over HTTP/2.
type streamFront struct {
	*http2.Stream
	exchange
}

func (f *streamFront) body() requestBody   { return f.Stream }
func (f *streamFront) cutBody()            { f.CutBody() }
func (f *streamFront) onGone(c io.Closer)  { f.OnGone(c) }
func (f *streamFront) gone() bool          { return f.Gone() }
func (f *streamFront) data(p []byte) error { return f.WriteData(p) }
func (f *streamFront) flush() error        { return f.Flush() }
func (f *streamFront) abort()              { f.Abort() }
func (f *streamFront) fit() bool           { return true }

func (f *streamFront) end(trailers []message.Field) error { return f.End(trailers) }

func (f *streamFront) informational(reply *message.Response) error {
	if err := f.WriteHeader(reply.Status, reply, false, nil, false); err != nil {
		return err
	}
	return f.Flush()
}

// header leaves the end of the stream to end where there may be a body, or trailers.
func (f *streamFront) header(h replyHeader) error {
	return f.WriteHeader(h.status, h.reply, h.hsts, h.extra, !h.hasBody)
}
