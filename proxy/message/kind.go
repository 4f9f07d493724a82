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
	removed   // by a caller

	// Never forwarded to endpoints, unless a caller allows it.
	Underscored // a request's name with an underscore
	Unusual     // a request's name with another character than letters, digits, hyphens and underscores
	Proxy       // CGI programs take it for their configuration (CVE-2016-5385, "httpoxy")

	// Set by the proxy in requests.
	Host
	XForwardedFor
	XForwardedHost
	XForwardedPort
	XForwardedProto
	XForwardedScheme
	XOriginalForwardedFor
	XOriginalForwardedHost
	XRealIP
	XRequestID
	XScheme

	// What a proxy in front may say about the client, or about the URL that it has asked for. Forwarded, unless
	// Request.RemoveForwarding is called.
	Forwarded // RFC 7239
	TrueClientIP
	XForwardedPrefix
	XForwardedSSL
	clientIdentity // any other of the kind

	// Forwarded, and looked at.
	ContentLength
	Cookie
	Date
	Expect
	MaxForwards
	Referer
	StrictTransportSecurity
	Trailer
	UserAgent
)

// HopByHop reports whether a field ends at the next recipient.
func (k Kind) HopByHop() bool { return k >= Connection && k <= removed }

// Replaced reports whether the proxy sends its own in the place of a request's field.
func (k Kind) Replaced() bool { return k >= Host && k <= XScheme }

// ClientIdentity reports whether a field of a request is one that Request.RemoveForwarding removes.
func (k Kind) ClientIdentity() bool { return k >= Forwarded && k <= clientIdentity }

// gone reports whether a field is not found any more.
func (k Kind) gone() bool { return k == nominated || k == removed }

// suspect reports whether a field of a request is neither forwarded nor found by name.
func (k Kind) suspect() bool { return k >= Underscored && k <= Proxy }

// nominable reports whether the Connection field may nominate fields of that kind: the message must not mean something
// else without them.
func (k Kind) nominable() bool {
	return k == Other || k.suspect() || k.ClientIdentity() || k == Date || k == Referer || k == UserAgent
}

// kindOf classifies a name in any case. Almost all other names fall out at once.
func kindOf(name []byte) Kind {
	h := hashName(len(name), name[0], name[len(name)-1])
	for i := kindNames.first[h]; i < kindNames.first[h+1]; i++ {
		if c := &kindNames.names[i]; EqualFold(name, c.name) {
			return c.kind
		}
	}
	return Other
}

// hashName is below nameBuckets-1.
func hashName(length int, first, last byte) uint {
	return (uint(length)*31 + uint(first|0x20)*7 + uint(last|0x20)) % (nameBuckets - 1)
}

const nameBuckets = 256 + 1

type namedKind struct {
	name string // in lower case
	kind Kind
}

// nameTable holds the names ordered by hash: those of hash h are names[first[h]:first[h+1]].
type nameTable struct {
	first [nameBuckets]uint8
	names []namedKind
}

//nolint:gochecknoglobals // a table that is never changed
var kindNames = func() (table nameTable) {
	named := namedKinds()
	for h := range nameBuckets - 1 {
		table.first[h] = uint8(len(table.names))
		for _, n := range named {
			if hashName(len(n.name), n.name[0], n.name[len(n.name)-1]) == uint(h) {
				table.names = append(table.names, n)
			}
		}
	}
	table.first[nameBuckets-1] = uint8(len(table.names))
	return table
}()

func namedKinds() []namedKind {
	named := []namedKind{
		{"connection", Connection}, {"keep-alive", KeepAlive}, {"proxy-connection", ProxyConnection},
		{"proxy-authenticate", ProxyAuthenticate}, {"proxy-authorization", ProxyAuthorization}, {"te", TE},
		{"transfer-encoding", TransferEncoding}, {"upgrade", Upgrade}, {"http2-settings", HTTP2Settings},
		{"proxy", Proxy},
		{"host", Host}, {"x-forwarded-for", XForwardedFor}, {"x-forwarded-host", XForwardedHost},
		{"x-forwarded-port", XForwardedPort}, {"x-forwarded-proto", XForwardedProto},
		{"x-forwarded-scheme", XForwardedScheme}, {"x-original-forwarded-for", XOriginalForwardedFor},
		{"x-original-forwarded-host", XOriginalForwardedHost},
		{"x-real-ip", XRealIP}, {"x-request-id", XRequestID}, {"x-scheme", XScheme},
		{"forwarded", Forwarded}, {"true-client-ip", TrueClientIP}, {"x-forwarded-prefix", XForwardedPrefix},
		{"x-forwarded-ssl", XForwardedSSL},
		{"content-length", ContentLength}, {"cookie", Cookie}, {"date", Date}, {"expect", Expect},
		{"max-forwards", MaxForwards}, {"referer", Referer}, {"strict-transport-security", StrictTransportSecurity},
		{"trailer", Trailer}, {"user-agent", UserAgent},
	}
	for _, name := range clientIdentityNames() {
		named = append(named, namedKind{name, clientIdentity})
	}
	return named
}

// clientIdentityNames are names by which proxies, content delivery networks and application servers say who the client
// is, or which URL it has asked for.
func clientIdentityNames() []string {
	return []string{
		"cf-connecting-ip", "client-ip", "fastly-client-ip", "forwarded-for", "front-end-https", "proxy-client-ip",
		"ssl-client-cert", "ssl-client-issuer-dn", "ssl-client-subject-dn", "ssl-client-verify", "wl-proxy-client-ip",
		"x-appengine-user-ip", "x-azure-clientip", "x-client-ip", "x-cluster-client-ip", "x-envoy-external-address",
		"x-forwarded", "x-forwarded-by", "x-forwarded-client-cert", "x-forwarded-method", "x-forwarded-path",
		"x-forwarded-protocol", "x-forwarded-server", "x-forwarded-uri", "x-original-host", "x-original-method",
		"x-original-uri", "x-original-url", "x-proxyuser-ip", "x-rewrite-url", "x-url-scheme",
	}
}

// EqualFold compares ASCII text with text in lower case, ignoring the case of the former.
func EqualFold(text []byte, lower string) bool {
	if len(text) != len(lower) {
		return false
	}
	for i, c := range text {
		if lowerCase(c) != lower[i] {
			return false
		}
	}
	return true
}

// sameName compares names without regard to case (RFC 9110 section 5.1).
func sameName(a []byte, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i, c := range a {
		if lowerCase(c) != lowerCase(b[i]) {
			return false
		}
	}
	return true
}

func lowerCase(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}
