package send

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"github.com/ingress-testbed/testbed/steps/replay/record"
)

// failure returns the kind of an error of a connection.
func failure(err error) record.Error {
	var refusedTLS handshakeError
	var unconnected connectError
	var alert tls.AlertError
	var broken *net.OpError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return record.ErrorTimeout
	case errors.As(err, &unconnected):
		return record.ErrorConnect
	case errors.As(err, &refusedTLS), errors.As(err, &alert), remoteAlert(err):
		// With TLS 1.3, an alert about the client's certificate comes after the handshake.
		return record.ErrorHandshake
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE),
		errors.As(err, &broken):
		return record.ErrorClosed
	}
	return record.ErrorMalformed
}

// remoteAlert reports whether an error is an alert that the other side sent: crypto/tls reports it as a net.OpError whose
// operation is "remote error".
func remoteAlert(err error) bool {
	var remote *net.OpError
	return errors.As(err, &remote) && remote.Op == "remote error"
}
