package cloud

import (
	"fmt"
	"net/netip"
	"sync"
)

// Pool hands out the addresses of a range, one to each Service.
type Pool struct {
	addresses netip.Prefix

	mu     sync.Mutex
	held   map[string]netip.Addr // by Service, "NAMESPACE/NAME"
	owners map[netip.Addr]string
}

// NewPool returns a pool of all addresses of a range.
func NewPool(addresses netip.Prefix) *Pool {
	return &Pool{addresses: addresses.Masked(), held: map[string]netip.Addr{}, owners: map[netip.Addr]string{}}
}

// Acquire returns the address of a Service: the requested one, the one that it holds, or the lowest that is free. The
// zero address requests none. It is an error if the requested one is not in the range or held by another Service.
func (p *Pool) Acquire(service string, requested netip.Addr) (netip.Addr, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	held, holds := p.held[service]
	switch {
	case requested.IsValid() && !p.addresses.Contains(requested):
		return netip.Addr{}, fmt.Errorf("the requested address %s is not in the range of load balancers, %s", requested, p.addresses)
	case requested.IsValid() && p.owners[requested] != "" && p.owners[requested] != service:
		return netip.Addr{}, fmt.Errorf("the requested address %s is that of Service %s", requested, p.owners[requested])
	case requested.IsValid():
		delete(p.owners, held)
		p.hold(service, requested)
		return requested, nil
	case holds:
		return held, nil
	}
	for address := p.addresses.Addr(); p.addresses.Contains(address); address = address.Next() {
		if p.owners[address] == "" {
			p.hold(service, address)
			return address, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("all addresses of the range of load balancers, %s, are in use: delete a Service, or create the "+
		"cluster with a larger loadBalancerCIDR", p.addresses)
}

func (p *Pool) hold(service string, address netip.Addr) {
	p.held[service], p.owners[address] = address, service
}

// Held returns the address that a Service holds.
func (p *Pool) Held(service string) (netip.Addr, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	address, holds := p.held[service]
	return address, holds
}

// Release takes a Service's address back, if it holds one.
func (p *Pool) Release(service string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.owners, p.held[service])
	delete(p.held, service)
}
