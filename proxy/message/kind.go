package message

// Kind says what a field means to a proxy. Most mean nothing to it.
type Kind uint8

// The kinds of fields.
const (
	Other Kind = iota

	// Hop-by-hop (RFC 9110 section 7.6.1): never forwarded as they are.
	Connection
	KeepAlive
	ProxyConnection
	ProxyAuthenticate
	ProxyAuthorization
	TE
	TransferEncoding
	Upgrade
	HTTP2Settings
	nominated // by the Connection field

	// Set by the proxy.
	Host
	XForwardedFor
	XForwardedHost
	XForwardedPort
	XForwardedProto
	XForwardedScheme
	XOriginalForwardedFor
	XRealIP
	XRequestID
	XScheme

	// Forwarded, and looked at.
	ContentLength
	Cookie
	Expect
	Referer
	StrictTransportSecurity
	Trailer
	UserAgent
)

// HopByHop says whether a field ends at the next recipient.
func (k Kind) HopByHop() bool { return k >= Connection && k <= nominated }

// Replaced says whether the proxy sends its own in the place of a request's field.
func (k Kind) Replaced() bool { return k >= Host && k <= XScheme }

// kindOf classifies a name in any case. Almost all names fall out at their length or first letter.
func kindOf(name []byte) Kind {
	candidates := kindsByLength[min(len(name), len(kindsByLength)-1)]
	if len(candidates) == 0 {
		return Other
	}
	for i := range candidates {
		if c := &candidates[i]; name[0]|0x20 == c.name[0] && EqualFold(name, c.name) {
			return c.kind
		}
	}
	return Other
}

type namedKind struct {
	name string // in lower case
	kind Kind
}

// kindsByLength holds nothing at its last index, which stands for every greater length.
//
//nolint:gochecknoglobals // a table that is never changed
var kindsByLength = func() (table [27][]namedKind) {
	for _, named := range []namedKind{
		{"connection", Connection}, {"keep-alive", KeepAlive}, {"proxy-connection", ProxyConnection},
		{"proxy-authenticate", ProxyAuthenticate}, {"proxy-authorization", ProxyAuthorization}, {"te", TE},
		{"transfer-encoding", TransferEncoding}, {"upgrade", Upgrade}, {"http2-settings", HTTP2Settings},
		{"host", Host}, {"x-forwarded-for", XForwardedFor}, {"x-forwarded-host", XForwardedHost},
		{"x-forwarded-port", XForwardedPort}, {"x-forwarded-proto", XForwardedProto},
		{"x-forwarded-scheme", XForwardedScheme}, {"x-original-forwarded-for", XOriginalForwardedFor},
		{"x-real-ip", XRealIP}, {"x-request-id", XRequestID}, {"x-scheme", XScheme},
		{"content-length", ContentLength}, {"cookie", Cookie}, {"expect", Expect}, {"referer", Referer},
		{"strict-transport-security", StrictTransportSecurity}, {"trailer", Trailer}, {"user-agent", UserAgent},
	} {
		table[len(named.name)] = append(table[len(named.name)], named)
	}
	return table
}()

// EqualFold compares ASCII text with text in lower case, ignoring the case of the former.
func EqualFold(text []byte, lower string) bool {
	if len(text) != len(lower) {
		return false
	}
	for i, c := range text {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
