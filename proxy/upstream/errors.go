package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/ingress-testbed/testbed/proxy/http1"
	"github.com/ingress-testbed/testbed/proxy/message"
)

// Error is why an endpoint gave no reply.
type Error struct {
	Err error
	// Sent reports that the endpoint may have processed the request.
	Sent bool
	// broken reports that the connection or the stream ended before the reply's header.
	broken bool
	// stale reports that the connection had come to its end before the request was sent.
	stale bool
}

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// BodyError is an error of the request's body on the client's side. It wraps a *message.Error if the body is malformed
// or too large.
type BodyError struct{ Err error }

func (e *BodyError) Error() string { return "reading the request's body: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *BodyError) Unwrap() error { return e.Err }

// Errors of calls.
var (
	// ErrClientGone ends a call whose client has gone away.
	ErrClientGone = errors.New("the client has gone away")
	// ErrTruncated is the error of a reply over TLS that ends with the connection, which was closed without a
	// close_notify alert (RFC 9112 section 9.8).
	ErrTruncated = errors.New("the connection was closed without close_notify")

	errUnrequestedUpgrade = &message.Error{Status: 502, Reason: "the endpoint changed protocols without being asked"}
	errTooManyInterim     = &message.Error{Status: 502, Reason: "the endpoint sent too many interim replies"}
	errConnEnded          = fmt.Errorf("the endpoint closed the HTTP/2 connection: %w", io.ErrUnexpectedEOF)
	errNoHTTP2            = errors.New("the endpoint does not agree on HTTP/2 (ALPN)")
	errBodyLength         = errors.New("the body of the HTTP/2 reply does not agree with its header")
	errStale              = errors.New("the endpoint closed the connection or wrote to it before it was sent a request")
)

// timeoutError is the error of an endpoint that is too slow.
type timeoutError struct{ what string }

func (e *timeoutError) Error() string { return e.what }

// Timeout implements net.Error.
func (e *timeoutError) Timeout() bool { return true }

// Temporary implements net.Error.
func (e *timeoutError) Temporary() bool { return true }

var (
	errSlow     = &timeoutError{"the endpoint did not answer in time"}
	errSlowSend = &timeoutError{"the endpoint did not take the request in time"}
)

// IsTimeout reports whether a call failed because an endpoint was too slow.
func IsTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded)
}

// isBroken reports whether an error means that the connection has ended.
func isBroken(err error) bool {
	var operation *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, ErrTruncated) || errors.Is(err, http1.ErrTooEarly) ||
		errors.As(err, &operation) && !operation.Timeout()
}

// hideLength keeps Content-Length from being forwarded where a reply must not have it (RFC 9110 section 8.6).
func hideLength(reply *message.Response) {
	if reply.Status < 200 || reply.Status == 204 {
		hide(reply, message.ContentLength)
	}
}

// hide keeps the fields of a kind from being forwarded.
func hide(reply *message.Response, kind message.Kind) {
	for i := range reply.Fields {
		if reply.Fields[i].Kind == kind {
			reply.Fields[i].Kind = message.KeepAlive // as hop-by-hop
		}
	}
}
