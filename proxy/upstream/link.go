package upstream

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

// link is a connection to an endpoint, in plain text or over TLS, with its time limits. Closing it ends whatever is going
// on; that may be done from any goroutine.
type link struct {
	wire   wire
	secure *tls.Conn // nil for plain text
	read   deadline.Lazy
	write  deadline.Lazy
	byte   [1]byte

	idleSince time.Time
}

// smallBuffer is what connections read with until a body proves to be large.
const smallBuffer = 4 << 10

// connect makes a link of a new connection, and with a configuration begins TLS. On an error the connection is closed.
func (l *link) connect(ctx context.Context, conn net.Conn, config *tls.Config) error {
	l.wire.init(conn)
	if config == nil {
		return nil
	}
	l.wire.records = new(recordReader)
	l.secure = tls.Client(&l.wire, config)
	if err := l.secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return fmt.Errorf("the TLS handshake with the endpoint: %w", err)
	}
	return nil
}

// Close closes the connection.
func (l *link) Close() error { return l.wire.conn.Close() }

// keepable reports whether the connection can be looked at before it is used again.
func (l *link) keepable() bool { return l.wire.raw != nil }

// send sends a whole request, at the latest with the next Read; until then it must not be changed.
func (l *link) send(request []byte) error {
	switch {
	case l.wire.raw == nil:
		return l.Write(request)
	case l.secure == nil:
		l.wire.send(request)
		return nil
	}
	l.wire.gathered = l.wire.gathered[:0]
	l.wire.deferring = true
	_, err := l.secure.Write(request)
	l.wire.deferring = false
	l.wire.untouched = true
	return err
}

// pending reports whether nothing of the request was written yet.
func (l *link) pending() bool { return l.wire.untouched }

// Read implements io.Reader: it writes the request that is pending if there is nothing to read. An end of the
// connection that over TLS was not announced is ErrTruncated.
func (l *link) Read(p []byte) (int, error) {
	if l.secure == nil {
		return l.wire.Read(p)
	}
	n, err := l.secure.Read(p)
	if n == 0 && l.wire.ended && errors.Is(err, io.EOF) {
		err = ErrTruncated
	}
	return n, err
}

// probe reads what is there without waiting; it returns 0 and no error if nothing is.
func (l *link) probe(p []byte) (int, error) {
	if l.wire.raw == nil {
		return 0, nil
	}
	l.wire.probing = true
	n, err := l.Read(p)
	l.wire.probing = false
	if n == 0 && errors.Is(err, errNothing) {
		err = nil
	}
	return n, err
}

// Write implements io.Writer.
func (l *link) Write(p []byte) error {
	var err error
	if l.secure == nil {
		_, err = l.wire.Write(p)
	} else {
		_, err = l.secure.Write(p)
	}
	return err
}

func (l *link) extendRead(now time.Time, limit time.Duration) error {
	return l.read.Extend(l.wire.conn.SetReadDeadline, now, limit)
}

func (l *link) extendWrite(now time.Time, limit time.Duration) error {
	return l.write.Extend(l.wire.conn.SetWriteDeadline, now, limit)
}

// hijack returns the connection for what follows a change of protocols.
func (l *link) hijack() net.Conn {
	if l.secure != nil {
		return l.secure
	}
	return l.wire.conn
}
