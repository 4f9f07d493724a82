package setting

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/ingress-testbed/testbed/internal/regex"
)

// List splits a list at its commas, and leaves out what is empty.
func List(text string) []string {
	var list []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			list = append(list, item)
		}
	}
	return list
}

// Network reads a network in CIDR notation, or a single address. Bits beyond the mask are cleared, and networks of
// IPv4 that are written as IPv6 (::ffff:10.0.0.0/104) are made ones of IPv4.
func Network(text string) (network netip.Prefix, ok bool) {
	if address, err := netip.ParseAddr(text); err == nil && address.Zone() == "" {
		address = address.Unmap()
		return netip.PrefixFrom(address, address.BitLen()), true
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, false
	}
	if prefix.Addr().Is4In6() && prefix.Bits() >= 96 {
		prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
	}
	return prefix.Masked(), true
}

// IsToken is the rule for names of headers (RFC 9110 section 5.1) and cookies (RFC 6265 section 4.1.1).
func IsToken(text string) bool {
	return httpguts.ValidHeaderFieldName(text)
}

// IsRegexp is the rule for regular expressions (package regex).
func IsRegexp(text string) bool {
	_, err := regex.Compile(text)
	return text != "" && err == nil
}

// IsServerName is the rule for DNS names: what they are made of, and how long they may be.
func IsServerName(text string) bool {
	const characters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-."
	return text != "" && len(text) <= 253 && strings.Trim(text, characters) == ""
}

// SecretName returns the name in "namespace/name" if the namespace is the given one.
func SecretName(text, namespace string) (name string, ok bool) {
	in, name, ok := strings.Cut(text, "/")
	return name, ok && in == namespace && name != "" && !strings.Contains(name, "/")
}

// LocalSecretName is SecretName for a text that may leave out the namespace.
func LocalSecretName(text, namespace string) (name string, ok bool) {
	if !strings.Contains(text, "/") {
		return text, text != ""
	}
	return SecretName(text, namespace)
}

// Time reads a time as nginx writes it: a whole number of seconds, or with one of the units ms, s, m, h and d.
func Time(text string) (time.Duration, bool) {
	digits := strings.TrimRight(text, "msghd")
	unit := map[string]time.Duration{
		"": time.Second, "ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour,
	}[text[len(digits):]]
	number, err := strconv.ParseUint(digits, 10, 31)
	if err != nil || unit == 0 || number > uint64(365*24*time.Hour/unit) {
		return 0, false
	}
	return time.Duration(number) * unit, true
}
