package forwarded

import (
	"cmp"
	"net/netip"

	"github.com/ingress-testbed/testbed/proxy/message"
)

// Info is who a request comes from, and how the client has sent it to the outermost proxy. It is valid as long as the
// request.
type Info struct {
	Client netip.Addr
	Scheme string // "http" or "https"
	// Host is what the endpoint gets as Host and X-Forwarded-Host, and what redirects lead to. Routes are found by the
	// request's own.
	Host []byte
	Port uint16

	connection *Connection
	settings   *Settings
	// proto is X-Forwarded-Proto as a trusted sender wrote it; it is passed on unchanged. "" means Scheme.
	proto string
	full  bool // X-Forwarded-For is the whole chain
	// hasChain and hasHost say that the request has a chain of addresses, or X-Forwarded-Host: they are passed on as
	// X-Original-Forwarded-For and -Host.
	hasChain, hasHost bool
	// isPlain says that the connection's lines apply.
	isPlain bool
}

// Resolve finds out who a request of the connection comes from. Fields in which a sender that is not trusted makes
// claims about itself (message.Kind.ClientIdentity) are removed. The request must be parsed, and stay as it is until the
// last AppendLines.
func (s *Settings) Resolve(c *Connection, r *message.Request) Info {
	i := Info{
		Client: c.Sender, Scheme: c.Scheme, Host: r.Host, Port: c.Port, connection: c, settings: s,
	}
	trusted := s.settings.TrustHeaders && s.Trusts(c.Sender)
	believed := trusted || s.settings.TrustHeaders && s.settings.AnyPeer
	hasClaims := false
	for n := range r.Fields {
		field := &r.Fields[n]
		if field.Kind == message.Other && s.header == "" {
			continue
		}
		i.hasChain = i.hasChain || s.isChain(field) && len(field.Value) > 0
		i.hasHost = i.hasHost || isForwardedHost(field) && len(field.Value) > 0
		hasClaims = hasClaims || field.Kind.ClientIdentity()
	}
	if r.HostField != nil {
		i.Host = r.HostField
	}
	if believed {
		i.takeOver(r)
	}
	// As in nginx, the PROXY protocol takes the chain's place.
	if i.hasChain && !s.proxyProtocol && (trusted || s.settings.RealIP && s.Trusts(c.Sender)) {
		i.Client = s.client(c.Sender, r)
	}
	if hasClaims && !trusted && !s.settings.AnyPeer {
		r.RemoveForwarding()
	}
	i.full = believed && s.settings.ComputeFull
	i.isPlain = i.proto == "" && i.Port == c.Port && !i.full && i.Client == c.Sender
	return i
}

// takeOver takes over what the sender says of how the client has sent the request. Of lists, which a chain of proxies
// may have made, the first element is what the client has used. A host or port that is not valid is left out; another
// scheme without a port has its own; one that is neither HTTP's nor WebSocket's leaves Scheme as it is, but is passed on.
func (i *Info) takeOver(r *message.Request) {
	if host := firstEntry(r.Value(message.XForwardedHost)); message.ValidHost(host) {
		i.Host = host
	}
	i.proto = view(r.Value(message.XForwardedProto))
	switch scheme := firstEntry(r.Value(message.XForwardedProto)); {
	case message.EqualFold(scheme, "https"), message.EqualFold(scheme, "wss"):
		i.Scheme = "https"
	case message.EqualFold(scheme, "http"), message.EqualFold(scheme, "ws"):
		i.Scheme = "http"
	}
	if n, ok := message.ParseLength(firstEntry(r.Value(message.XForwardedPort))); ok && n > 0 && n < 1<<16 {
		i.Port = uint16(n)
	} else if i.Scheme != i.connection.Scheme && !i.settings.settings.OwnPort {
		i.Port = portOf(i.Scheme)
	}
}

// portOf is the port of a scheme (RFC 9110 sections 4.2.1 and 4.2.2).
func portOf(scheme string) uint16 {
	if scheme == "https" {
		return 443
	}
	return 80
}

// AppendLines appends the proxy's own field lines for the endpoint, each with its CR LF. id is the value of
// X-Request-ID; without one, the field is left out.
func (i *Info) AppendLines(dst []byte, r *message.Request, id []byte) []byte {
	if len(id) > 0 {
		dst = append(dst, "X-Request-ID: "...)
		dst = append(dst, id...)
		dst = append(dst, '\r', '\n')
	}
	if len(i.Host) > 0 { // HTTP/1.0 may have none
		dst = append(dst, "X-Forwarded-Host: "...)
		dst = append(dst, i.Host...)
		dst = append(dst, '\r', '\n')
	}
	if i.isPlain {
		dst = append(dst, i.connection.lines...)
	} else {
		dst = appendAddress(dst, "X-Real-IP: ", i.Client)
		if i.full {
			dst = i.appendFull(dst, r)
		} else {
			dst = appendAddress(dst, "X-Forwarded-For: ", i.Client)
		}
		dst = appendAccess(dst, i.Port, cmp.Or(i.proto, i.Scheme))
	}
	if i.hasChain {
		dst = append(dst, "X-Original-Forwarded-For: "...)
		dst = appendValues(dst, r, i.settings.isChain)
		dst = append(dst, '\r', '\n')
	}
	if i.hasHost {
		dst = append(dst, "X-Original-Forwarded-Host: "...)
		dst = appendValues(dst, r, isForwardedHost)
		dst = append(dst, '\r', '\n')
	}
	return dst
}

// appendFull appends X-Forwarded-For as it was received, and its sender.
func (i *Info) appendFull(dst []byte, r *message.Request) []byte {
	dst = append(dst, "X-Forwarded-For: "...)
	start := len(dst)
	dst = appendValues(dst, r, isForwardedFor)
	if len(dst) > start {
		dst = append(dst, ", "...)
	}
	dst = i.connection.Sender.AppendTo(dst)
	return append(dst, '\r', '\n')
}

// appendValues appends the values of all lines of a field that are not empty, as one list (RFC 9110 section 5.3).
func appendValues(dst []byte, r *message.Request, is func(*message.Field) bool) []byte {
	start := len(dst)
	for n := range r.Fields {
		field := &r.Fields[n]
		if !is(field) || len(field.Value) == 0 {
			continue
		}
		if len(dst) > start {
			dst = append(dst, ", "...)
		}
		dst = append(dst, field.Value...)
	}
	return dst
}

func isForwardedFor(field *message.Field) bool  { return field.Kind == message.XForwardedFor }
func isForwardedHost(field *message.Field) bool { return field.Kind == message.XForwardedHost }
