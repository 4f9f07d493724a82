package setting

import (
	"net/netip"
	"strconv"
	"strings"
)

// isFalse reports whether a value switches a setting off.
func isFalse(value string) bool {
	on, err := strconv.ParseBool(value)
	return err == nil && !on
}

// isTrue reports whether a value switches a setting on.
func isTrue(value string) bool {
	on, err := strconv.ParseBool(value)
	return err == nil && on
}

// isAddressVariable reports whether a text is one of nginx's variables for the address of the client.
func isAddressVariable(text string) bool {
	return text == "$binary_remote_addr" || text == "$remote_addr" || text == "$the_real_ip"
}

// coversAll reports whether a list of networks holds all addresses, those of IPv6 included unless none of its networks
// is of IPv6: cert-manager lets everybody in with "0.0.0.0/0,::/0", others write "0.0.0.0/0" alone.
func coversAll(value string) bool {
	var all4, any6, all6 bool
	for item := range strings.SplitSeq(value, ",") {
		prefix, err := netip.ParsePrefix(strings.TrimSpace(item))
		if err != nil {
			return false
		}
		all4 = all4 || prefix.Addr().Is4() && prefix.Bits() == 0
		all6 = all6 || prefix.Addr().Is6() && prefix.Bits() == 0
		any6 = any6 || prefix.Addr().Is6()
	}
	return all4 && (all6 || !any6)
}
