package access

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Addresses allows clients by their address, and answers the others with 403 (Forbidden, RFC 9110 section 15.5.4). The
// address is that of the connection, or the one that a trusted proxy has sent.
type Addresses struct {
	// Deny is tried first. The networks are masked.
	Deny []netip.Prefix
	// Allow, unless it is empty, has all networks that may come in.
	Allow []netip.Prefix
}

// Stage implements policy.Policy.
func (Addresses) Stage() policy.Stage { return policy.Authorizing }

// Text implements route.Policy.
func (p Addresses) Text() string {
	var text strings.Builder
	text.WriteString("addresses")
	for _, network := range p.Deny {
		fmt.Fprintf(&text, " -%s", network)
	}
	for _, network := range p.Allow {
		fmt.Fprintf(&text, " +%s", network)
	}
	return text.String()
}

// Equal implements route.Policy.
func (p Addresses) Equal(other route.Policy) bool {
	o, ok := other.(Addresses)
	return ok && slices.Equal(p.Deny, o.Deny) && slices.Equal(p.Allow, o.Allow)
}

// Bind implements policy.Binder.
func (p Addresses) Bind(*policy.Binding) (any, error) {
	return &addresses{deny: newNetworks(p.Deny), allow: newNetworks(p.Allow)}, nil
}

// addresses is a compiled Addresses.
type addresses struct{ deny, allow *networks }

// Request is the hook.
func (p *addresses) Request(r *policy.Request) (reply policy.Reply, answered bool) {
	switch {
	case p.deny.contain(r.Client):
		return policy.Reply{Status: 403, Reason: "the client's address is denied"}, true
	case p.allow != nil && !p.allow.contain(r.Client):
		return policy.Reply{Status: 403, Reason: "the client's address is not allowed"}, true
	}
	return policy.Reply{}, false
}

// networks is a set of addresses. nil is empty.
type networks struct {
	byLength [2][]lengthSet // of IPv4 and IPv6
}

// lengthSet has the networks of one prefix length. Lists may be long, but they have few lengths.
type lengthSet struct {
	bits     int
	prefixes map[netip.Prefix]struct{}
}

func newNetworks(list []netip.Prefix) *networks {
	if len(list) == 0 {
		return nil
	}
	n := new(networks)
	for _, network := range list {
		sets := &n.byLength[family(network.Addr())]
		i := slices.IndexFunc(*sets, func(s lengthSet) bool { return s.bits == network.Bits() })
		if i < 0 {
			i = len(*sets)
			*sets = append(*sets, lengthSet{network.Bits(), map[netip.Prefix]struct{}{}})
		}
		(*sets)[i].prefixes[network.Masked()] = struct{}{}
	}
	return n
}

func (n *networks) contain(address netip.Addr) bool {
	if n == nil || !address.IsValid() {
		return false
	}
	address = address.Unmap().WithZone("")
	for _, set := range n.byLength[family(address)] {
		network, err := address.Prefix(set.bits)
		if err != nil {
			continue // the set is of the address's family, so that this does not happen
		}
		if _, found := set.prefixes[network]; found {
			return true
		}
	}
	return false
}

func family(address netip.Addr) int {
	if address.Is4() {
		return 0
	}
	return 1
}
