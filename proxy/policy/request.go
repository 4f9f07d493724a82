package policy

import (
	"context"
	"crypto/tls"
	"net/netip"
	"unsafe"

	"github.com/ingress-testbed/testbed/internal/regex"
	"github.com/ingress-testbed/testbed/proxy/compress"
	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/trace"
)

// Request is one exchange as policies see and change it. Its user resets it for each request and keeps its buffers, so
// that policies allocate nothing.
type Request struct {
	Message *message.Request
	// Host is that of the request, in lower case, without port and final dot.
	Host []byte
	// Authority is the host that the client has asked for as it is written, with a port if there is one; redirects lead
	// there. Host is made of it.
	Authority []byte
	// Path is what is forwarded: normalised (urlpath.AppendNormal) or, if the table says so, as it was sent. A policy may
	// change it.
	Path []byte
	// Decoded is the path that routes are compared with (urlpath.AppendDecoded).
	Decoded []byte
	// Pattern is the regular expression that the route matches paths with; nil if it is an exact path or a prefix.
	Pattern *regex.Expression
	// UpstreamHost is what endpoints get as host, port included; "" leaves them that of the request.
	UpstreamHost string
	// Scheme is "http" or "https": that of the client's connection, or the forwarded one if that is trusted.
	Scheme string
	// Client is the address of the client: that of its connection, or the forwarded one if that is trusted.
	Client netip.Addr
	// HTTPPort and HTTPSPort are the ports that redirects lead to.
	HTTPPort, HTTPSPort uint16
	// Key is a buffer for the text that selects an endpoint.
	Key []byte
	// Session is the token of the session that the reply starts; "" starts none. Selecting an endpoint sets it.
	Session string
	// Context is done when the client's connection is closed.
	Context context.Context
	// TLS is the state of the client's connection; nil if that is plain text.
	TLS *tls.ConnectionState
	// NoCertificate is set when the request is refused because of the client's certificate.
	NoCertificate bool
	// ID is the value of X-Request-ID that endpoints get.
	ID []byte
	// Upstreams are where policies may send requests of their own to.
	Upstreams Upstreams

	// RequestLines are field lines to add to the request, ReplyLines to the reply, each with its CR LF. Use
	// AddRequestHeader and AddReplyHeader.
	RequestLines, ReplyLines []byte
	// Params are parameters of FastCGI, as fastcgi.AppendPair makes them.
	Params []byte
	// SuccessLines are field lines to add to an endpoint's reply if its status is not an error. The policy that sets them
	// adds them.
	SuccessLines []byte

	// Copy gets the body as it is forwarded; nil does not.
	Copy BodyCopy

	// Compressor compresses the body of the reply; nil leaves it as it is.
	Compressor *compress.Compressor

	// Events are what the policies of a traced chain have done, by their index in the chain; nil unless the exchange is traced.
	Events map[int]*trace.Event

	held []Releaser
}

// BodyCopy gets the body of a request as it is forwarded, piece by piece, and its end only if it was read to the end. A piece
// is valid until the call returns.
type BodyCopy interface {
	Piece(piece []byte)
	End()
}

// Reset clears everything but the buffers, and the ports. What the request holds must have been released.
func (r *Request) Reset() {
	*r = Request{
		Host: r.Host[:0], Path: r.Path[:0], Decoded: r.Decoded[:0], Key: r.Key[:0], RequestLines: r.RequestLines[:0], Params: r.Params[:0], ReplyLines: r.ReplyLines[:0],
		SuccessLines: r.SuccessLines[:0], held: r.held[:0],
		HTTPPort: r.HTTPPort, HTTPSPort: r.HTTPSPort,
	}
}

// AddRequestHeader adds a field to what the endpoint gets.
func (r *Request) AddRequestHeader(name, value string) {
	r.RequestLines = AppendLine(r.RequestLines, name, value)
}

// AddReplyHeader adds a field to what the client gets, from an endpoint or from the proxy itself.
func (r *Request) AddReplyHeader(name, value string) {
	r.ReplyLines = AppendLine(r.ReplyLines, name, value)
}

// AppendLine appends a field line. A control character, which could end the line, becomes a space (RFC 9110 section
// 5.5).
func AppendLine(dst []byte, name, value string) []byte {
	dst = append(dst, name...)
	dst = append(dst, ':', ' ')
	start := len(dst)
	dst = append(dst, value...)
	Clean(dst[start:])
	return append(dst, '\r', '\n')
}

// Clean replaces control characters, which could end a field line, by spaces (RFC 9110 section 5.5).
func Clean(value []byte) {
	for i, c := range value {
		if c < ' ' && c != '\t' || c == 0x7f {
			value[i] = ' '
		}
	}
}

// view is text without copying: valid for as long as the bytes are not changed.
func view(text []byte) string { return unsafe.String(unsafe.SliceData(text), len(text)) }
