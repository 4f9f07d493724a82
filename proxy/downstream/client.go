package downstream

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/proxyprotocol"
)

// Handler answers requests, one after the other.
type Handler interface {
	// Serve answers a request that came at now. It reports whether the connection can carry another one.
	Serve(client Client, request *message.Request, now time.Time) (reusable bool)
	// Refuse answers a request that could not be parsed; request has what is known of it.
	Refuse(client Client, request *message.Request, now time.Time, reason *message.Error)
}

// Peer is what is known about a connection before its first request.
type Peer struct {
	// Address is the connection's remote address.
	Address netip.Addr
	// Stated is the header of the PROXY protocol; the zero value if the connection has none.
	Stated proxyprotocol.Header
	// Secure is set for connections over TLS.
	Secure bool
	// TLS is the state of the connection after its handshake; nil in plain text.
	TLS *tls.ConnectionState
}

// Client is the client's side of one exchange: a request of an HTTP/1.1 connection, or an HTTP/2 stream. What is
// written is gathered and sent by Flush, by End, or when it gets large. After an error of any method the client is
// gone. The methods are called by the handler's goroutine, but for those of Body, CancelBody and OnGone.
type Client interface {
	// Body is the request's.
	Body() Body
	// CancelBody makes a read of the body that is under way fail, and all later ones until the reply has ended. Any
	// goroutine may call it.
	CancelBody()
	// OnGone has closer closed as soon as the client is known to be gone, if that may be noticed between two calls of
	// Gone; nil ends that.
	OnGone(closer io.Closer)
	// Gone reports whether the client has disconnected or has reset the stream. It may make system calls.
	Gone() bool
	// Context is done when the client's connection is closed.
	Context() context.Context
	// Informational sends an informational reply (1xx, but not 101).
	Informational(reply *message.Response) error
	// Header begins the reply.
	Header(header Header) error
	// Data sends a piece of the reply's body.
	Data(piece []byte) error
	// Flush sends what was gathered.
	Flush() error
	// End ends the reply; trailers may be nil.
	End(trailers []message.Field) error
	// Abort ends the reply so that the client detects that it is incomplete.
	Abort()
	// Reset is Abort, for a reply that the endpoint has reset with an error code of HTTP/2 (RFC 9113 section 7). A client
	// of HTTP/2 sees the code.
	Reset(code uint32)
	// Reusable reports whether the connection can carry another request. It is called once, after the reply.
	Reusable() bool
	// Upgrade sends a reply with status 101, and lines after its own fields. It returns the connection for the new
	// protocol, and what was read of that already. HTTP/2 has no upgrades (RFC 9113 section 8.6): there the error is
	// ErrNoUpgrade and nothing was sent.
	Upgrade(reply *message.Response, lines []byte) (conn net.Conn, buffered []byte, err error)
}

// Body is a request's body, in pieces. At its end the error is io.EOF. A piece is valid until the next call.
type Body interface {
	// Available returns what can be read without waiting, which may be nothing.
	Available() ([]byte, error)
	// Next waits for a piece.
	Next() ([]byte, error)
	// Ended reports whether the whole body was returned.
	Ended() bool
	// Trailers are complete at the body's end.
	Trailers() []message.Field
}

// Header is the header of a reply.
type Header struct {
	Status int
	// Reply is the endpoint's; nil if the proxy answers itself.
	Reply *message.Response
	// Lines are added to it, each "Name: value" with its CR LF.
	Lines []byte
	// Length of the body in bytes; -1 if only its end will tell. HasBody is false where none follows: the reply to
	// HEAD, and those with status 204 or 304.
	Length  int64
	HasBody bool
	// BodyUnread is true if the reply comes before the end of the request's body.
	BodyUnread bool
	// Close ends the connection after the reply: after a request that is malformed or incomplete, what follows is
	// not known to be a request.
	Close bool
}
