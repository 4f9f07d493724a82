package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"github.com/ingress-testbed/testbed/proxy/http1"
	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/upstream/wire"
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
	// ErrLeft ends a call that waits for a connection to an endpoint which has left the proxy's table.
	ErrLeft = errors.New("the endpoint has left, and can't be reached any more")
	// ErrClientGone ends a call whose client has gone away.
	ErrClientGone = errors.New("the client has gone away")

	errUnrequestedUpgrade   = &message.Error{Status: 502, Reason: "the endpoint switched protocols without a request to"}
	errTooManyInformational = &message.Error{Status: 502, Reason: "the endpoint sent too many informational replies"}
	errConnEnded            = fmt.Errorf("the endpoint closed the HTTP/2 connection: %w", io.ErrUnexpectedEOF)
	errNoHTTP2              = errors.New("the endpoint does not agree on HTTP/2 (ALPN)")
	errBodyLength           = errors.New("the body of the HTTP/2 reply does not agree with its header")
)

// timeoutError is the error of an endpoint that is too slow.
type timeoutError struct{ what string }

func (e *timeoutError) Error() string { return e.what }

// Timeout implements net.Error.
func (e *timeoutError) Timeout() bool { return true }

// Temporary implements net.Error.
func (e *timeoutError) Temporary() bool { return true }

var errSlow = &timeoutError{"the endpoint did not answer in time"}

// IsTimeout reports whether a call failed because an endpoint was too slow.
func IsTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded)
}

// isBroken reports whether an error means that the connection has ended. ETIMEDOUT is that of a peer which does not answer on the
// level of TCP; package net takes it for a time-out.
func isBroken(err error) bool {
	var operation *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, wire.ErrTruncated) || errors.Is(err, http1.ErrTooEarly) ||
		errors.Is(err, syscall.ETIMEDOUT) || errors.As(err, &operation) && !operation.Timeout()
}
