// Package client makes requests from the machine outside the cluster, as a browser or curl there would.
package client

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
)

// Entry is where traffic from outside enters the cluster: what a load balancer's or router's address would be.
type Entry struct {
	// HTTP and HTTPS are what ports 80 and 443 of any host name lead to.
	HTTP, HTTPS netip.AddrPort
}

// Resolver resolves host names as the client machine does: first by its hosts file. Any other name leads to the cluster's
// entry, as if the DNS had a wildcard for it, and there ports 80 and 443 are the ones of the entry.
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

// SetEntry says where traffic enters the cluster.
func (r *Resolver) SetEntry(entry Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entry = &entry
}

// Resolve turns "host:port" into the address to connect to.
func (r *Resolver) Resolve(hostPort string) (netip.AddrPort, error) {
	host, portText, err := net.SplitHostPort(hostPort)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("reading the address %q: %w", hostPort, err)
	}
	number, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%q is not a port number", portText)
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
		return netip.AddrPort{}, fmt.Errorf("the host %q is not in the client's hosts file, and no ingress controller was deployed that it could lead to", host)
	case port == 80:
		return r.entry.HTTP, nil
	case port == 443:
		return r.entry.HTTPS, nil
	}
	return netip.AddrPortFrom(r.entry.HTTP.Addr(), port), nil
}
