package kube

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"k8s.io/klog/v2"
)

const (
	resolveEvery  = 30 * time.Second // addresses may change, and the resolver returns no TTL
	resolveWithin = 5 * time.Second
	// firstRetry is the time until a failed look-up is repeated. It doubles with each failure, up to resolveEvery: the
	// cluster's DNS server may start after the controller.
	firstRetry = time.Second
)

// resolver looks up the names of ExternalName Services in the background, so that taking a snapshot never waits.
type resolver struct {
	lookup  func(ctx context.Context, network, host string) ([]netip.Addr, error)
	changed func()
	wanted  chan struct{}

	mu    sync.Mutex
	names map[string]*resolvedName
}

type resolvedName struct {
	addresses []netip.Addr
	due       time.Time     // of the next look-up; the zero value is at once
	retry     time.Duration // how long after a failure; zero after a success
}

func newResolver(changed func()) *resolver {
	return &resolver{
		lookup:  net.DefaultResolver.LookupNetIP,
		changed: changed,
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

// keep drops all names except those given.
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
	for ctx.Err() == nil {
		r.resolve(ctx)
		idle := r.idle()
		if idle <= 0 {
			continue
		}
		timer := time.NewTimer(idle)
		select {
		case <-ctx.Done():
		case <-r.wanted:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// idle is the time until the next look-up is due.
func (r *resolver) idle() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	idle := resolveEvery
	for _, name := range r.names {
		idle = min(idle, time.Until(name.due))
	}
	return idle
}

// resolve looks up the names that are due.
func (r *resolver) resolve(ctx context.Context) {
	r.mu.Lock()
	var hosts []string
	for host, name := range r.names {
		if !name.due.After(time.Now()) {
			hosts = append(hosts, host)
		}
	}
	r.mu.Unlock()

	changed := false
	for _, host := range hosts {
		addresses, err := r.find(ctx, host)
		r.mu.Lock()
		if name := r.names[host]; name != nil {
			changed = name.looked(addresses, err, time.Now()) || changed
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

// looked stores the result of a look-up, and reports whether the addresses have changed. After a failure they are kept.
func (n *resolvedName) looked(addresses []netip.Addr, err error, now time.Time) bool {
	if err != nil {
		n.retry = min(max(2*n.retry, firstRetry), resolveEvery)
		n.due = now.Add(n.retry)
		return false
	}
	n.retry, n.due = 0, now.Add(resolveEvery)
	if slices.Equal(n.addresses, addresses) {
		return false
	}
	n.addresses = addresses
	return true
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
