package access

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/ingress-testbed/testbed/internal/regex"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// ClientCertificate requires a certificate of the client (RFC 8446 section 4.3.2), and describes it to endpoints in header fields. Clients
// without get 400, as from nginx. The certificate is that of the connection, whatever server name it was opened for: a
// request for another host than that name is misdirected (421, RFC 9110 section 15.5.20). In plain text, there is no
// certificate. The proxy requests one only for hosts in the table's ClientAuthorities.
type ClientCertificate struct {
	Verify Verify
	// RootsPEM are the authorities. CRLPEM, unless it is empty, has the revocation list of each authority.
	RootsPEM, CRLPEM []byte
	// Origin is "namespace/name" of what they are from, shown in dumps.
	Origin string
	// Depth is how many intermediate certificates there may be.
	Depth int
	// Subject, a regular expression (package regex), must match the subject; others get 403. "" matches all.
	Subject string
	// ErrorPage is the URL that clients are redirected to instead of the answer 400; "" is none.
	ErrorPage string
	// PassCertificate sends the certificate to endpoints, in the field ssl-client-cert.
	PassCertificate bool
}

// Verify is what a client's certificate must be.
type Verify uint8

// The kinds of verification, as in nginx.
const (
	Required      Verify = iota // there must be one, of an authority
	Optional                    // if there is one, it must be of an authority
	OptionalAnyCA               // if there is one, it may be of an unknown authority
)

// String is the value of ssl_verify_client.
func (v Verify) String() string {
	switch v {
	case Required:
		return "on"
	case Optional:
		return "optional"
	case OptionalAnyCA:
		return "optional_no_ca"
	}
	return fmt.Sprintf("Verify(%d)", uint8(v))
}

// Stage implements policy.Policy.
func (ClientCertificate) Stage() policy.Stage { return policy.Authorizing }

// Text implements route.Policy.
func (p ClientCertificate) Text() string {
	var text strings.Builder
	fmt.Fprintf(&text, "client certificate %s of %s sha256:%s depth=%d", p.Verify, p.Origin, sumOf(p.RootsPEM), p.Depth)
	if len(p.CRLPEM) > 0 {
		fmt.Fprintf(&text, " revoked=sha256:%s", sumOf(p.CRLPEM))
	}
	if p.Subject != "" {
		fmt.Fprintf(&text, " subject=%q", p.Subject)
	}
	if p.ErrorPage != "" {
		fmt.Fprintf(&text, " error-page=%q", p.ErrorPage)
	}
	if p.PassCertificate {
		text.WriteString(" passed")
	}
	return text.String()
}

func sumOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// Equal implements route.Policy.
func (p ClientCertificate) Equal(other route.Policy) bool {
	o, ok := other.(ClientCertificate)
	return ok && string(p.RootsPEM) == string(o.RootsPEM) && string(p.CRLPEM) == string(o.CRLPEM) && p.Text() == o.Text()
}

// Bind implements policy.Binder.
func (p ClientCertificate) Bind(*policy.Binding) (any, error) {
	authorities, err := newAuthorities(p.RootsPEM, p.CRLPEM, p.Depth)
	if err != nil {
		return nil, err
	}
	compiled := &clientCertificate{ClientCertificate: p, authorities: authorities}
	if p.Subject != "" {
		if compiled.subject, err = regex.Compile(p.Subject); err != nil {
			return nil, fmt.Errorf("the subject: %w", err)
		}
	}
	return compiled, nil
}

// clientCertificate is a compiled ClientCertificate.
type clientCertificate struct {
	ClientCertificate
	authorities *authorities
	subject     *regex.Expression // nil matches all
}

// Request is the hook.
func (p *clientCertificate) Request(r *policy.Request) (reply policy.Reply, answered bool) {
	for _, name := range fieldNames {
		r.Message.RemoveName(name)
	}
	if r.TLS == nil {
		if p.Verify == Required {
			return p.refuse(r, "a client certificate is required, and the connection is not TLS")
		}
		return p.admit(r, noCertificate)
	}
	if !namesHost(r.TLS.ServerName, r.Message.Host) {
		return policy.Reply{Status: 421, Reason: "the connection was opened for another host than the request is for"}, true
	}
	if len(r.TLS.PeerCertificates) == 0 {
		if p.Verify == Required {
			return p.refuse(r, "there is no client certificate")
		}
		return p.admit(r, noCertificate)
	}
	shown := p.authorities.check(r.TLS.PeerCertificates)
	if shown.err != nil && (p.Verify != OptionalAnyCA || !shown.unknownAuthority()) {
		return p.refuse(r, "the client certificate: "+shown.err.Error())
	}
	return p.admit(r, shown)
}

func (p *clientCertificate) refuse(r *policy.Request, reason string) (policy.Reply, bool) {
	r.NoCertificate = true
	if p.ErrorPage == "" {
		return policy.Reply{Status: 400, Reason: reason}, true
	}
	r.AddReplyHeader("Location", p.ErrorPage)
	return policy.Reply{Status: 302, Reason: reason}, true
}

// admit lets the client pass if its subject is right.
func (p *clientCertificate) admit(r *policy.Request, shown *shownCertificate) (policy.Reply, bool) {
	if p.subject != nil && !p.subject.MatchString(shown.subject) {
		return policy.Reply{Status: 403, Reason: "the subject of the client certificate is not allowed"}, true
	}
	if p.PassCertificate {
		r.RequestLines = append(r.RequestLines, shown.certificateLine...)
	}
	r.RequestLines = append(r.RequestLines, shown.lines...)
	return policy.Reply{}, false
}

// namesHost reports whether a request's authority is that of the server name, or there is no server name.
func namesHost(serverName string, authority []byte) bool {
	if serverName == "" {
		return true
	}
	host := string(authority)
	if colon := strings.LastIndexByte(host, ':'); colon > strings.LastIndexByte(host, ']') {
		host = host[:colon]
	}
	return strings.EqualFold(strings.TrimSuffix(host, "."), strings.TrimSuffix(serverName, "."))
}
