package upstream

import (
	"context"
	"net/netip"
	"sync"
	"time"
)

// Registry has the pools of a proxy, one for each address. They outlive the tables that name them.
type Registry struct {
	options Options

	mu    sync.Mutex
	pools map[netip.AddrPort]*Pool
}

// NewRegistry makes a registry without pools.
func NewRegistry(options Options) *Registry {
	return &Registry{options: options, pools: make(map[netip.AddrPort]*Pool)}
}

// Pool returns the pool of an address.
func (r *Registry) Pool(address netip.AddrPort) *Pool {
	r.mu.Lock()
	defer r.mu.Unlock()
	pool := r.pools[address]
	if pool == nil {
		pool = newPool(address.String(), &r.options)
		r.pools[address] = pool
	}
	return pool
}

// Keep closes the pools of all other addresses. Connections that are in use end with their request.
func (r *Registry) Keep(addresses map[netip.AddrPort]bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for address, pool := range r.pools {
		if !addresses[address] {
			pool.close()
			delete(r.pools, address)
		}
	}
}

// Expire closes idle connections as they grow old, until ctx is done; then it closes all that are idle.
func (r *Registry) Expire(ctx context.Context) {
	ticker := time.NewTicker(max(r.options.MaxAge/4, time.Second))
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			r.each(func(p *Pool) { p.expire(time.Now().Add(2 * r.options.MaxAge)) })
			return
		case now := <-ticker.C:
			r.each(func(p *Pool) { p.expire(now) })
		}
	}
}

func (r *Registry) each(do func(*Pool)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, pool := range r.pools {
		do(pool)
	}
}
