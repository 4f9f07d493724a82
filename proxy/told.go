package proxy

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"strconv"

	"github.com/ingress-testbed/testbed/proxy/message"
)

// told is what a backend is told about the client, in the fields that ingress-nginx sets.
type told struct {
	address netip.Addr
	scheme  string
	host    []byte
	id      []byte
	// claimed is the client's own X-Forwarded-For.
	claimed []byte
	lines   []byte
}

// newClient makes what is told about all requests of a connection.
func newClient(address netip.Addr, secure bool, config *Config) *client {
	c := &client{address: address.Unmap(), secure: secure, scheme: "http"}
	port := config.PlainPort
	if secure {
		c.scheme, port = "https", config.TLSPort
	}
	c.lines = appendClientLines(nil, c.address, c.scheme, strconv.Itoa(int(port)))
	return c
}

func appendClientLines(dst []byte, address netip.Addr, scheme, port string) []byte {
	text := address.String()
	dst = appendLine(dst, "X-Real-IP: ", text)
	dst = appendLine(dst, "X-Forwarded-For: ", text)
	dst = appendLine(dst, "X-Forwarded-Port: ", port)
	dst = appendLine(dst, "X-Forwarded-Proto: ", scheme)
	dst = appendLine(dst, "X-Forwarded-Scheme: ", scheme)
	return appendLine(dst, "X-Scheme: ", scheme)
}

// tell finds out what the backend is told about this request.
func (x *exchange) tell() {
	x.told = told{
		address: x.client.address, scheme: x.client.scheme, host: x.request.Host, lines: x.client.lines,
		claimed: x.request.Value(message.XForwardedFor), id: x.request.Value(message.XRequestID),
	}
	if len(x.told.id) == 0 {
		x.told.id = x.newID()
	}
	if x.snapshot.table.TrustForwardedHeaders {
		x.believe()
	}
}

// believe takes what the client says about itself for true.
func (x *exchange) believe() {
	first, _, _ := bytes.Cut(x.told.claimed, []byte(","))
	if address, err := netip.ParseAddr(string(bytes.TrimSpace(first))); err == nil {
		x.told.address = address.Unmap()
	}
	if host := x.request.Value(message.XForwardedHost); len(host) > 0 {
		x.told.host = host
	}
	switch proto := string(x.request.Value(message.XForwardedProto)); proto {
	case "http", "https":
		x.told.scheme = proto
	}
	port := x.server.config.PlainPort
	if x.client.secure {
		port = x.server.config.TLSPort
	}
	if n, ok := message.ParseLength(x.request.Value(message.XForwardedPort)); ok && n > 0 && n < 1<<16 {
		port = uint16(n)
	}
	x.told.lines = appendClientLines(nil, x.told.address, x.told.scheme, strconv.Itoa(int(port)))
}

// newID makes the 32 hexadecimal digits of a request. It names the request and guards nothing.
func (x *exchange) newID() []byte {
	const digits = "0123456789abcdef"
	for i := 0; i < len(x.id); i += 16 {
		random := rand.Uint64() //nolint:gosec // the id guards nothing
		for j := range 16 {
			x.id[i+j] = digits[random&15]
			random >>= 4
		}
	}
	return x.id[:]
}

// appendHead appends the header of the request to the endpoint. The fields go first as they came, then those that
// the proxy sets. isChunked says that the body's length is not known.
func (x *exchange) appendHead(dst []byte) []byte {
	r := x.request
	dst = append(dst, r.Method...)
	dst = append(dst, ' ')
	dst = append(dst, x.path...)
	if r.HasQuery {
		dst = append(dst, '?')
		dst = append(dst, r.Query...)
	}
	dst = append(dst, " HTTP/1.1\r\nHost: "...)
	dst = append(dst, r.Host...)
	dst = append(dst, "\r\nX-Request-ID: "...)
	dst = append(dst, x.told.id...)
	dst = append(dst, "\r\nX-Forwarded-Host: "...)
	dst = append(dst, x.told.host...)
	dst = append(dst, '\r', '\n')
	dst = append(dst, x.told.lines...)
	if len(x.told.claimed) > 0 {
		dst = appendLine(dst, "X-Original-Forwarded-For: ", view(x.told.claimed))
	}
	dst = r.AppendForwarded(dst)
	if r.Length < 0 {
		dst = append(dst, "Transfer-Encoding: chunked\r\n"...)
	}
	if len(r.Upgrade) > 0 {
		dst = append(dst, "Connection: upgrade\r\nUpgrade: "...)
		dst = append(dst, r.Upgrade...)
		dst = append(dst, '\r', '\n')
	}
	return append(dst, '\r', '\n')
}
