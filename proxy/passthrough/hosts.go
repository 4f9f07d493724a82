// Package passthrough forwards TLS connections unchanged, to endpoints that are selected by the server name in the first message
// of the handshake. The proxy has no key for them, and can read nothing else.
package passthrough

import (
	"strings"

	"github.com/ingress-testbed/testbed/proxy/balance"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Hosts are the hosts whose connections are forwarded. It must not be changed once it is used.
type Hosts struct {
	// byName has "*.example.com" for wildcards, and nil for the hosts that the proxy serves itself.
	byName map[string]*host
}

// host is one that connections are forwarded for.
type host struct {
	route.Passthrough
	turns *balance.RoundRobin
}

// Compile returns the hosts of a table; nil if there are none. Those that are the same as in previous, which may be nil, keep
// the turns of their endpoints.
func Compile(table *route.Table, previous *Hosts) *Hosts {
	if len(table.Passthroughs) == 0 {
		return nil
	}
	h := &Hosts{byName: make(map[string]*host, len(table.Hosts))}
	for i := range table.Hosts {
		h.byName[table.Hosts[i].Name] = nil
	}
	for _, source := range table.Passthroughs {
		switch last := previous.find(source.Host); {
		case h.byName[source.Host] != nil: // Table.Validate has reported it
		case last != nil && last.Equal(source):
			h.byName[source.Host] = last
		default:
			h.byName[source.Host] = &host{source, balance.NewRoundRobin(source.Service.String(), source.Endpoints)}
		}
	}
	return h
}

func (h *Hosts) find(name string) *host {
	if h == nil {
		return nil
	}
	return h.byName[name]
}

// Find returns where connections with a server name are forwarded to, and whether they are. h may be nil.
func (h *Hosts) Find(serverName string) (to route.Passthrough, found bool) {
	if host := h.lookup(serverName); host != nil {
		return host.Passthrough, true
	}
	return route.Passthrough{}, false
}

// lookup returns the host of a server name; nil if the proxy serves it itself. As elsewhere, a star is one label, and a host
// that has rules of its own is none of the wildcard's.
func (h *Hosts) lookup(serverName string) *host {
	if h == nil || serverName == "" {
		return nil
	}
	name := strings.ToLower(strings.TrimSuffix(serverName, "."))
	if found, known := h.byName[name]; known {
		return found
	}
	if dot := strings.IndexByte(name, '.'); dot > 0 {
		return h.byName["*"+name[dot:]]
	}
	return nil
}
