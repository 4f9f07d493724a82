package kube

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

const (
	resolveEvery  = 30 * time.Second // addresses may change, and the resolver returns no TTL
	resolveWithin = 5 * time.Second
)

// resolver looks up the names of ExternalName Services in the background, so that taking a snapshot never waits.
type resolver struct {
	lookup  func(ctx context.Context, network, host string) ([]netip.Addr, error)
	changed func()
	clock   clock.WithTicker
	wanted  chan struct{}

	mu    sync.Mutex
	names map[string]*resolvedName
}

type resolvedName struct {
	addresses []netip.Addr
	looked    bool
}

func newResolver(changed func()) *resolver {
	return &resolver{
		lookup:  net.DefaultResolver.LookupNetIP,
		changed: changed,
		clock:   clock.RealClock{},
		wanted:  make(chan struct{}, 1),
		names:   map[string]*resolvedName{},
	}
}

// addresses returns the known addresses of a name. One that is new is looked up soon, and changed is called if it has
// any.
func (r *resolver) addresses(host string) []netip.Addr {
	r.mu.Lock()
	defer r.mu.Unlock()
	name := r.names[host]
	if name == nil {
		name = &resolvedName{}
		r.names[host] = name
		select {
		case r.wanted <- struct{}{}:
		default:
		}
	}
	return name.addresses
}

// keep forgets all names but those given.
func (r *resolver) keep(names map[string][]netip.Addr) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for host := range r.names {
		if _, ok := names[host]; !ok {
			delete(r.names, host)
		}
	}
}

func (r *resolver) run(ctx context.Context) {
	ticker := r.clock.NewTicker(resolveEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.wanted:
			r.resolve(ctx, false)
		case <-ticker.C():
			r.resolve(ctx, true)
		}
	}
}

// resolve looks up the names that are new, or all of them.
func (r *resolver) resolve(ctx context.Context, all bool) {
	r.mu.Lock()
	var hosts []string
	for host, name := range r.names {
		if all || !name.looked {
			hosts = append(hosts, host)
		}
	}
	r.mu.Unlock()

	changed := false
	for _, host := range hosts {
		addresses, err := r.find(ctx, host)
		r.mu.Lock()
		if name := r.names[host]; name != nil {
			name.looked = true
			if err == nil && !slices.Equal(name.addresses, addresses) { // after a failure the previous answer is kept
				name.addresses, changed = addresses, true
			}
		}
		r.mu.Unlock()
		if err != nil {
			klog.V(2).InfoS("Looking up the name of an ExternalName Service failed", "name", host, "err", err)
		}
	}
	if changed {
		r.changed()
	}
}

// find looks up the IPv4 addresses, or the IPv6 ones if there are none: not every Pod network has IPv6.
func (r *resolver) find(ctx context.Context, host string) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, resolveWithin)
	defer cancel()
	addresses, err := r.lookup(ctx, "ip4", host)
	if err != nil || len(addresses) == 0 {
		addresses, err = r.lookup(ctx, "ip6", host)
	}
	if err != nil {
		return nil, err
	}
	for i, address := range addresses {
		addresses[i] = address.Unmap() // Go's resolver may write IPv4 addresses as IPv6 ones
	}
	slices.SortFunc(addresses, netip.Addr.Compare)
	return addresses, nil
}
