package proxy

import (
	"errors"
	"io"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/upstream"
)

// bodyFault is an error of the request's body on the client's side.
type bodyFault struct{ err error }

func (f *bodyFault) Error() string { return "reading the request's body: " + f.err.Error() }
func (f *bodyFault) Unwrap() error { return f.err }

var errBodyTooLarge = &message.Error{Status: 413, Reason: "the body is too large"}

// failBody answers a request whose body could not be read.
func (x *exchange) failBody(fault *bodyFault) bool {
	var refused *message.Error
	var timeout net.Error
	switch {
	case errors.As(fault.err, &refused):
		return x.reply(refused.Status, fault.Error())
	case errors.As(fault.err, &timeout) && timeout.Timeout():
		return x.reply(408, fault.Error())
	}
	x.status, x.reason = statusClientGone, fault.Error()
	x.front.abort()
	return false
}

// smallBody is how much of a body is sent together with the header.
const smallBody = 8 << 10

// appendBody appends what is there of the body to the connection's Out. It reports whether that is all.
func (x *exchange) appendBody(c *upstream.Conn) (whole bool, err error) {
	body := x.front.body()
	for len(c.Out) < smallBody {
		piece, err := body.There()
		if errors.Is(err, io.EOF) {
			c.Out = x.appendLast(c.Out, body)
			return true, nil
		}
		if err != nil {
			return false, &bodyFault{err}
		}
		if len(piece) == 0 {
			return false, nil
		}
		if c.Out, err = x.appendPiece(c.Out, piece); err != nil {
			return false, err
		}
	}
	return false, nil
}

// appendPiece appends a piece of the body in the framing that the endpoint was told.
func (x *exchange) appendPiece(dst, piece []byte) ([]byte, error) {
	x.bytesIn += int64(len(piece))
	if limit := x.bodyLimit(); limit > 0 && x.bytesIn > limit {
		return dst, &bodyFault{errBodyTooLarge}
	}
	if x.request.Length >= 0 {
		return append(dst, piece...), nil
	}
	return appendChunk(dst, piece), nil
}

// appendLast appends what follows the last piece.
func (x *exchange) appendLast(dst []byte, body requestBody) []byte {
	if x.request.Length >= 0 {
		return dst
	}
	return appendLastChunk(dst, body.Trailers())
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
	for i := range trailers {
		if trailers[i].AllowedInTrailers() {
			dst = append(dst, trailers[i].Name...)
			dst = append(dst, ':', ' ')
			dst = append(dst, trailers[i].Value...)
			dst = append(dst, '\r', '\n')
		}
	}
	return append(dst, '\r', '\n')
}

// pump sends a body to an endpoint while its reply is awaited: it may come before the body has ended.
type pump struct {
	done chan error // nil if none is running; gets one value
	err  error      // of the one that has ended
	sent sending
	// ending says that the last piece is being sent.
	ending atomic.Bool
	// fault is set before the endpoint's connection is closed because of it.
	fault atomic.Pointer[bodyFault]
}

func (p *pump) start(x *exchange, c *upstream.Conn) {
	p.err = nil
	p.done = make(chan error, 1)
	p.ending.Store(false)
	p.sent.begin(!x.request.ExpectsContinue || x.bytesIn > 0)
	go func(done chan<- error) { done <- x.pumpBody(c) }(p.done)
}

// scheduled is how long it may take a pump that has sent everything to say so.
const scheduled = 20 * time.Millisecond

// finished says whether the whole body was sent. An endpoint may have answered before the pump, which has just sent the
// last piece, could say so.
func (p *pump) finished() bool {
	if p.done == nil {
		return p.err == nil
	}
	var late <-chan time.Time
	if len(p.done) == 0 {
		if !p.ending.Load() {
			return false
		}
		late = time.After(scheduled)
	}
	select {
	case p.err = <-p.done:
		p.done = nil
		return p.err == nil
	case <-late:
		return false
	}
}

// stop ends the pump and waits for its end. It returns the error of the client's side, if that came first.
func (p *pump) stop(f front) error {
	fault := p.fault.Load()
	if !p.finished() && p.done != nil {
		f.cutBody()
		<-p.done //nolint:errcheck // it was cut off by us
	}
	p.done, p.err = nil, nil
	p.fault.Store(nil)
	if fault != nil {
		return fault
	}
	return nil
}

// fail gives up because of the client: the endpoint must not take a part of the body for the whole.
func (p *pump) fail(c *upstream.Conn, err error) error {
	fault := new(bodyFault)
	if !errors.As(err, &fault) {
		fault = &bodyFault{err}
	}
	p.fault.Store(fault)
	c.Close()
	return fault
}

// pumpBody sends the body piece by piece.
func (x *exchange) pumpBody(c *upstream.Conn) error {
	body := x.front.body()
	out := make([]byte, 0, smallBody)
	for {
		x.pump.sent.ask()
		piece, err := body.Next()
		x.pump.sent.got()
		last := errors.Is(err, io.EOF)
		x.pump.ending.Store(last || body.Ended())
		switch {
		case last:
			out = x.appendLast(out[:0], body)
		case err != nil:
			return x.pump.fail(c, err)
		default:
			if out, err = x.appendPiece(out[:0], piece); err != nil {
				return x.pump.fail(c, err)
			}
		}
		if err := c.ExtendWrite(time.Now(), x.server.config.Timeouts.Body); err != nil {
			return err
		}
		if len(out) > 0 {
			if _, err := c.Write(out); err != nil {
				return err
			}
		}
		x.pump.sent.hand()
		if last {
			return nil
		}
	}
}
