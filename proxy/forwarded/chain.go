package forwarded

import (
	"bytes"
	"net/netip"
	"unsafe"

	"github.com/ingress-testbed/testbed/proxy/message"
)

// maxHops is how many addresses of a chain are looked at.
const maxHops = 64

// client follows the chain of addresses of a request from a trusted sender, from the right, to the first that is not
// trusted. It ends at the last trusted one if the chain does, if an entry is no address ("unknown", or anything else),
// or after maxHops.
func (s *Settings) client(sender netip.Addr, r *message.Request) netip.Addr {
	client, hops := sender, 0
	for i := len(r.Fields) - 1; i >= 0; i-- {
		if !s.isChain(&r.Fields[i]) {
			continue
		}
		for rest := r.Fields[i].Value; ; hops++ {
			var entry []byte
			if entry, rest = lastEntry(rest); len(entry) == 0 {
				break
			}
			address, ok := parseAddress(entry)
			if !ok || hops == maxHops {
				return client
			}
			if client = address; !s.Trusts(client) {
				return client
			}
		}
	}
	return client
}

// lastEntry cuts the last entry off a list. As in nginx, entries are separated by commas and spaces, any number of them.
func lastEntry(list []byte) (entry, rest []byte) {
	list = bytes.TrimRight(list, ", \t")
	start := bytes.LastIndexAny(list, ", \t") + 1
	return list[start:], list[:start]
}

// firstEntry is the first element of a list that is separated by commas.
func firstEntry(list []byte) []byte {
	first, _, _ := bytes.Cut(list, []byte{','})
	return bytes.Trim(first, " \t")
}

// parseAddress reads an address, with or without port: "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]",
// "[2001:db8::1]:80".
func parseAddress(text []byte) (netip.Addr, bool) {
	isBracketed := text[0] == '['
	host, port, hasPort := text, []byte(nil), false
	if isBracketed {
		end := bytes.IndexByte(text, ']')
		if end < 0 {
			return netip.Addr{}, false
		}
		host, port = text[1:end], text[end+1:]
		if hasPort = len(port) > 0; hasPort && port[0] != ':' {
			return netip.Addr{}, false
		}
		port = port[min(1, len(port)):]
	} else if colon := bytes.IndexByte(text, ':'); colon >= 0 && bytes.IndexByte(text[colon+1:], ':') < 0 {
		host, port, hasPort = text[:colon], text[colon+1:], true
	}
	if hasPort && !isPort(port) || len(host) > len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255") {
		return netip.Addr{}, false
	}
	address, err := netip.ParseAddr(view(host))
	if err != nil || address.Zone() != "" || isBracketed && !address.Is6() {
		return netip.Addr{}, false
	}
	return address.Unmap(), true
}

func isPort(digits []byte) bool {
	n, ok := message.ParseLength(digits)
	return ok && n < 1<<16
}

// view is text without copying: valid for as long as the bytes are not changed.
func view(text []byte) string {
	return unsafe.String(unsafe.SliceData(text), len(text))
}
