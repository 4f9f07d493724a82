// Package client makes requests from the machine outside the cluster, as a browser or curl would.
package client

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
)

// Entry is where requests from outside enter the cluster, like the address of a load balancer.
type Entry struct {
	// HTTP and HTTPS replace the ports 80 and 443 of host names that are not in the hosts file.
	HTTP, HTTPS netip.AddrPort
}

// Resolver resolves host names by the client's hosts file. Any other name resolves to the entry of the cluster, as if the
// DNS had a wildcard record for it. It may be used from several goroutines.
type Resolver struct {
	mu    sync.Mutex
	hosts map[string]netip.Addr
	entry *Entry
}

// AddHost adds a line to the hosts file.
func (r *Resolver) AddHost(address netip.Addr, names ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.hosts == nil {
		r.hosts = map[string]netip.Addr{}
	}
	for _, name := range names {
		r.hosts[strings.ToLower(name)] = address
	}
}

// SetEntry sets where requests enter the cluster.
func (r *Resolver) SetEntry(entry Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entry = &entry
}

// Resolve returns the address to connect to for "host:port".
func (r *Resolver) Resolve(hostPort string) (netip.AddrPort, error) {
	host, portText, err := net.SplitHostPort(hostPort)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("parsing the address %q: %w", hostPort, err)
	}
	number, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("invalid port %q", portText)
	}
	port := uint16(number)
	if address, err := netip.ParseAddr(host); err == nil {
		return netip.AddrPortFrom(address, port), nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if address, ok := r.hosts[strings.ToLower(host)]; ok {
		return netip.AddrPortFrom(address, port), nil
	}
	switch {
	case r.entry == nil:
		return netip.AddrPort{}, fmt.Errorf("the host %q is not in the client's hosts file, and there is no ingress controller that it could resolve to", host)
	case port == 80:
		return r.entry.HTTP, nil
	case port == 443:
		return r.entry.HTTPS, nil
	}
	return netip.AddrPortFrom(r.entry.HTTP.Addr(), port), nil
}
