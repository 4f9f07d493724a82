// Package wire is the connection to an endpoint below HTTP: plain text or TLS, with time limits, and with a request that is
// written only if nothing was received before.
package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/ingress-testbed/testbed/proxy/deadline"
)

// Link is a connection to an endpoint, in plain text or over TLS, with its time limits. Close may be called
// from any goroutine and ends all that is running.
type Link struct {
	socket socket
	secure *tls.Conn // nil for plain text
	read   deadline.Lazy
}

// Connect makes a link of a new connection, and with a configuration begins TLS. On an error the connection is closed.
func (l *Link) Connect(ctx context.Context, conn net.Conn, config *tls.Config) error {
	l.socket.init(conn)
	if config == nil {
		return nil
	}
	l.socket.records = new(recordReader)
	l.secure = tls.Client(&l.socket, config)
	if err := l.secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return fmt.Errorf("the TLS handshake with the endpoint: %w", err)
	}
	return nil
}

// Close closes the connection.
func (l *Link) Close() error { return l.socket.conn.Close() }

// Keepable reports whether the connection can be looked at before it is used again.
func (l *Link) Keepable() bool { return l.socket.raw != nil }

// Send sends a whole request, at the latest with the next Read; until then it must not be changed.
func (l *Link) Send(request []byte) error {
	switch {
	case l.socket.raw == nil:
		return l.Write(request)
	case l.secure == nil:
		l.socket.send(request)
		return nil
	}
	l.socket.gathered = l.socket.gathered[:0]
	l.socket.deferring = true
	_, err := l.secure.Write(request)
	l.socket.deferring = false
	l.socket.untouched = true
	return err
}

// Pending reports whether nothing of the request was written yet.
func (l *Link) Pending() bool { return l.socket.untouched }

// Read implements io.Reader: it writes the request that is pending if there is nothing to read. An end of the
// connection that over TLS was not announced is ErrTruncated.
func (l *Link) Read(p []byte) (int, error) {
	if l.secure == nil {
		return l.socket.Read(p)
	}
	n, err := l.secure.Read(p)
	if n == 0 && l.socket.ended && errors.Is(err, io.EOF) {
		err = ErrTruncated
	}
	return n, err
}

// Probe reads without waiting; it returns 0 and no error if nothing was received.
func (l *Link) Probe(p []byte) (int, error) {
	if l.socket.raw == nil {
		return 0, nil
	}
	l.socket.probing = true
	n, err := l.Read(p)
	l.socket.probing = false
	if n == 0 && errors.Is(err, errNothing) {
		err = nil
	}
	return n, err
}

// Write implements io.Writer.
func (l *Link) Write(p []byte) error {
	var err error
	if l.secure == nil {
		_, err = l.socket.Write(p)
	} else {
		_, err = l.secure.Write(p)
	}
	return err
}

// ExtendRead makes reads that start now end after limit, at most a quarter later.
func (l *Link) ExtendRead(now time.Time, limit time.Duration) error {
	return l.read.Extend(l.socket.conn.SetReadDeadline, now, limit)
}

// LimitSend makes writes fail with ErrSlowSend when the endpoint has taken nothing for limit. It must not be called during a
// write.
func (l *Link) LimitSend(limit time.Duration) { l.socket.limit = limit }

// Taken is a number that changes when the endpoint has taken some of what was written. Any goroutine may call it.
func (l *Link) Taken() uint64 { return l.socket.taken() }

// Doubt has the connection fail within seconds if the peer does not answer on the level of TCP: for an endpoint that may have
// vanished without a word. One that is alive, however slow, is not affected.
func (l *Link) Doubt() {
	if l.socket.raw != nil {
		doubt(l.socket.raw)
	}
}

// Hijack returns the connection for what follows a change of protocols.
func (l *Link) Hijack() net.Conn {
	if l.secure != nil {
		return l.secure
	}
	return l.socket.conn
}

// Reuse records that what follows belongs to another request than what was written before.
func (l *Link) Reuse() { l.socket.reused = true }

// Reused reports whether the connection has served a request.
func (l *Link) Reused() bool { return l.socket.reused }

// Secure returns the TLS connection; nil for plain text.
func (l *Link) Secure() *tls.Conn { return l.secure }

// NetConn returns the connection below TLS, as the dialler made it.
func (l *Link) NetConn() net.Conn { return l.socket.conn }
