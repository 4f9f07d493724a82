// Package protection reads the settings that restrict access: by address, by password, by an external server, by
// certificate, and by limits.
package protection

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/ingress-testbed/testbed/controller/config/setting"
	"github.com/ingress-testbed/testbed/proxy/policy/access"
)

// Settings is who may use the paths of an Ingress.
type Settings struct {
	Addresses access.Addresses
	// SatisfyAny allows a request if the addresses, the password or the external server allow it; otherwise all must.
	SatisfyAny bool
	Basic      *Basic // nil requires no password
	// External is the external server; nil is none. It may be the one of the ConfigMap.
	External   *External
	ClientCert *ClientCert // nil requires no certificate
	// Own is whether an annotation sets any of these.
	Own bool
}

// Global is who may use the paths of all Ingresses.
type Global struct {
	// Addresses and External apply to Ingresses without their own. A fault, unless it is "", is why one can't be applied: the
	// paths of these Ingresses must be denied.
	Addresses                     access.Addresses
	AddressesFault, ExternalFault string
	External                      *External
	Block                         access.Block
	// OpenPaths are the beginnings of paths of rules that need no password and no external server.
	OpenPaths []string
}

// Read reads the annotations of an Ingress about access.
func Read(r *setting.Reader, global *Global) Settings {
	a := Settings{
		Addresses:  readAddresses(r, global),
		Basic:      readBasic(r),
		ClientCert: readClientCert(r),
	}
	a.External = readExternal(r, "auth-")
	useGlobal := r.Bool("enable-global-auth", true)
	if a.External == nil && useGlobal {
		a.External = global.External
		if global.ExternalFault != "" {
			r.Close(global.ExternalFault)
		}
	}
	a.SatisfyAny = r.Protecting("satisfy", "all", func(text string) error {
		if text != "any" && text != "all" {
			return fmt.Errorf(`it must be "all" or "any"`)
		}
		return nil
	}) == "any"
	a.Own = r.Protects()
	return a
}

// ReadGlobal reads the keys of the ConfigMap about access.
func ReadGlobal(r *setting.Reader) Global {
	var g Global
	// A fault affects only Ingresses without their own setting, so that it does not deny all paths.
	g.AddressesFault = r.Apart(func() { g.Addresses = readAddresses(r, &Global{}) })
	g.ExternalFault = r.Apart(func() { g.External = readExternal(r, "global-auth-") })
	g.Block = access.Block{
		Networks:   networks(r, "block-cidrs"),
		UserAgents: blocked(r, "block-user-agents"),
		Referers:   blocked(r, "block-referers"),
	}
	g.OpenPaths = []string{"/.well-known/acme-challenge"}
	if text, given := r.Text("no-auth-locations"); given {
		g.OpenPaths = setting.List(text)
	}
	return g
}

// readAddresses returns the networks that are allowed. Either of the two names of the annotation may be given.
func readAddresses(r *setting.Reader, global *Global) access.Addresses {
	const current, former, denied = "allowlist-source-range", "whitelist-source-range", "denylist-source-range"
	_, isCurrent := r.Text(current)
	_, isFormer := r.Text(former)
	_, isDenied := r.Text(denied)
	if (!isCurrent && !isFormer || !isDenied) && global.AddressesFault != "" {
		r.Close(global.AddressesFault)
	}
	addresses := global.Addresses
	if isCurrent || isFormer {
		addresses.Allow = nil
	}
	if isCurrent {
		addresses.Allow = networks(r, current)
	}
	if isFormer {
		former := networks(r, former)
		if isCurrent && !slices.Equal(former, addresses.Allow) {
			r.Deny(current, "it is not the same as whitelist-source-range; give one of them")
		}
		addresses.Allow = former
	}
	if isDenied {
		addresses.Deny = networks(r, denied)
	}
	if coversAll(addresses.Allow) {
		addresses.Allow = nil
	}
	return addresses
}

// networks reads a list of networks and addresses that restricts access: the paths are denied if it is wrong. The list
// is sorted.
func networks(r *setting.Reader, name string) []netip.Prefix {
	text, given := r.Text(name)
	if !given {
		return nil
	}
	var networks []netip.Prefix
	for _, element := range setting.List(text) {
		network, ok := setting.Network(element)
		if !ok {
			r.Deny(name, fmt.Sprintf(`%q is not a network or an address; write "10.0.0.0/8, 2001:db8::1"`, setting.Shorten(element)))
			return nil
		}
		networks = append(networks, network)
	}
	if len(networks) == 0 {
		r.Deny(name, `the list is empty; write "10.0.0.0/8, 2001:db8::1"`)
		return nil
	}
	slices.SortFunc(networks, netip.Prefix.Compare)
	return slices.Compact(networks)
}

// coversAll reports whether a list has all addresses, and so restricts nothing. cert-manager writes "0.0.0.0/0,::/0" to
// override the list of the ConfigMap. Lists without a network of IPv6 mean all clients, too, if they have all of IPv4.
func coversAll(networks []netip.Prefix) bool {
	var all4, any6, all6 bool
	for _, network := range networks {
		is6 := network.Addr().Is6()
		any6 = any6 || is6
		all4 = all4 || !is6 && network.Bits() == 0
		all6 = all6 || is6 && network.Bits() == 0
	}
	return all4 && (all6 || !any6)
}

// blocked reads a list of values and regular expressions.
func blocked(r *setting.Reader, name string) []string {
	text, given := r.Text(name)
	if !given {
		return nil
	}
	list := setting.List(text)
	for _, element := range list {
		if expression, is := access.ExpressionOf(element); is && !setting.IsRegexp(expression) {
			r.Deny(name, fmt.Sprintf("%q is not a regular expression (RE2 syntax)", setting.Shorten(element)))
			return nil
		}
	}
	return list
}
