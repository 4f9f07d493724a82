package upstream

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/proxy/upstream/tlsprofile"
)

// Key is what connections that can replace each other have in common.
type Key struct {
	Address netip.AddrPort
	HTTP2   bool
	FastCGI bool
	// TLS is the identity of the TLS profile; "" is plain text.
	TLS string
}

// NewKey returns the key of the connections to an endpoint.
func NewKey(address netip.AddrPort, protocol route.Protocol, profile tlsprofile.Profile) Key {
	return Key{Address: address, HTTP2: protocol.HTTP2(), FastCGI: protocol == route.FCGI, TLS: profile.Identity}
}

// Registry has the pools of a proxy, one for each key. They outlive the tables that name them.
type Registry struct {
	options Options

	mu    sync.Mutex
	pools map[Key]*Pool
}

// NewRegistry makes a registry without pools.
func NewRegistry(options Options) *Registry {
	return &Registry{options: options, pools: make(map[Key]*Pool)}
}

// Pool returns the pool of a key, whose TLS is the identity of profile.
func (r *Registry) Pool(key Key, profile tlsprofile.Profile) *Pool {
	r.mu.Lock()
	defer r.mu.Unlock()
	pool := r.pools[key]
	if pool == nil {
		pool = newPool(key, &r.options, profile)
		r.pools[key] = pool
	}
	return pool
}

// Keep closes the pools of all keys for which wanted returns false. Connections that are in use end with their call.
func (r *Registry) Keep(wanted func(Key) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, pool := range r.pools {
		if !wanted(key) {
			pool.close()
			delete(r.pools, key)
		}
	}
}

// Drop closes the pool of a key, if there is one, as Keep does.
func (r *Registry) Drop(key Key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if pool := r.pools[key]; pool != nil {
		pool.close()
		delete(r.pools, key)
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
