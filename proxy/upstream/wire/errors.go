package wire

import (
	"errors"
	"net"
)

// Errors of links.
var (
	// ErrStale is the error of a connection that the endpoint has closed, or written to, before it was sent a request.
	// Nothing was sent.
	ErrStale = errors.New("the endpoint closed the connection or wrote to it before it was sent a request")
	// ErrTruncated is the error of a TLS connection that was closed without a close_notify alert (RFC 8446 section 6.1).
	ErrTruncated = errors.New("the connection was closed without close_notify")
	// ErrSlowSend is the error of an endpoint that does not take a request in time.
	ErrSlowSend net.Error = &timeoutError{"the endpoint did not take the request in time"}

	// errNothing is the error of a read that does not wait. It is temporary, so that crypto/tls does not keep it.
	errNothing net.Error = &timeoutError{"nothing was received"}
)

// timeoutError implements net.Error.
type timeoutError struct{ reason string }

func (e *timeoutError) Error() string { return e.reason }

// Timeout implements net.Error.
func (e *timeoutError) Timeout() bool { return true }

// Temporary implements net.Error.
func (e *timeoutError) Temporary() bool { return true }
