// Package quirk names what ingress-nginx does with HTTP messages otherwise than the RFCs have it, or otherwise than this
// proxy does where they leave a choice. By default the proxy has no quirks. A table may switch some on, so that the proxy
// can stand in for ingress-nginx in comparisons.
//
// No quirk lets the end of a message be understood in two ways, or gives one client's reply to another. What ingress-nginx
// does of that kind has no quirk.
package quirk

import "strings"

// Set is a set of quirks. The zero value is none.
type Set uint16

// The quirks.
const (
	// HostField forwards the Host field as it is even if an absolute target names another host, by which the route is found
	// (RFC 9112 section 3.2.2 has a proxy replace it).
	HostField Set = 1 << iota
	// LooseHosts accepts any text as the port of a host and "@" in its name, and refuses two dots in a row and an empty Host
	// field. A wildcard stands for a label of letters, digits, hyphens and underscores only.
	LooseHosts
	// RequestLines answers 400 to methods with other characters than upper-case letters, hyphens and underscores, to
	// OPTIONS with the target "*", to CONNECT with an authority, and to HTTP/0.9.
	RequestLines
	// HeaderStatus answers 400 to headers that are too large, in place of 431 (RFC 6585 section 5).
	HeaderStatus
	// NoAllow leaves Allow out of replies with status 405 (RFC 9110 section 15.5.6 requires it).
	NoAllow
	// LoneUpgrade forwards Upgrade that Connection does not nominate (RFC 9110 section 7.8 has it ignored). An endpoint that
	// then switches protocols is not believed: the client has not requested it.
	LoneUpgrade
	// NominatedFields forwards the fields of replies that Connection nominates (RFC 9110 section 7.6.1 has them removed).
	NominatedFields
	// Accel obeys X-Accel-Redirect and X-Accel-Limit-Rate of endpoints' replies, and forwards no X-Accel field of nginx.
	Accel
	// PlainErrors answers calls of gRPC with the proxy's errors as other requests, in place of a gRPC status.
	PlainErrors
)

// Has reports whether the set has a quirk.
func (s Set) Has(one Set) bool { return s&one != 0 }

// String lists the names of the quirks, separated by commas.
func (s Set) String() string {
	var names []string
	for i, name := range [...]string{
		"host-field", "loose-hosts", "request-lines", "header-status", "no-allow", "lone-upgrade", "nominated-fields", "accel", "plain-errors",
	} {
		if s.Has(1 << i) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}
