package upstream

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"time"
)

// Options are the same for all pools of a proxy.
type Options struct {
	Dial    func(ctx context.Context, network, address string) (net.Conn, error)
	MaxIdle int           // connections kept for an endpoint
	MaxAge  time.Duration // of an idle connection
}

// Pool is the idle connections to one address. Its methods may be called concurrently.
type Pool struct {
	Address string
	options *Options
	secure  *tls.Config // nil for plain text

	mu     sync.Mutex
	idle   []*Conn // the last used at the end
	closed bool
}

func newPool(address string, options *Options, secure *tls.Config) *Pool {
	if secure != nil {
		secure = secure.Clone()
		secure.ClientSessionCache = tls.NewLRUClientSessionCache(sessions)
	}
	return &Pool{Address: address, options: options, secure: secure}
}

// sessions is how many TLS sessions are kept: the last one of the only server that a pool leads to.
const sessions = 1

// Get returns the idle connection that was used last, or nil if there is none. With careful, it asks the kernel
// whether the endpoint has closed it: a request that can't be repeated must not be lost on a stale connection.
func (p *Pool) Get(now time.Time, careful bool) *Conn {
	for {
		c := p.pop(now)
		if c == nil {
			return nil
		}
		if (careful || now.Sub(c.idleSince) > trusted) && c.stale() {
			c.Close()
			continue
		}
		return c
	}
}

// Dial makes a new connection, and over TLS shakes hands within the same limit.
func (p *Pool) Dial(ctx context.Context, limit time.Duration) (*Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	connection, err := p.options.Dial(ctx, "tcp", p.Address)
	if err != nil {
		return nil, fmt.Errorf("connecting to the endpoint: %w", err)
	}
	if p.secure == nil {
		return newConn(connection, p), nil
	}
	encrypted, err := Handshake(ctx, connection, p.secure)
	if err != nil {
		return nil, err
	}
	return newConn(encrypted, p), nil
}

// Handshake begins TLS on a connection, and closes it on an error.
func Handshake(ctx context.Context, connection net.Conn, secure *tls.Config) (*tls.Conn, error) {
	encrypted := tls.Client(connection, secure)
	if err := encrypted.HandshakeContext(ctx); err != nil {
		connection.Close()
		return nil, fmt.Errorf("the TLS handshake with the endpoint: %w", err)
	}
	return encrypted, nil
}

func (p *Pool) pop(now time.Time) *Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	if last < 0 {
		return nil
	}
	c := p.idle[last]
	p.idle[last] = nil
	p.idle = p.idle[:last]
	if now.Sub(c.idleSince) > p.options.MaxAge {
		c.Close()
		return nil // all others are older
	}
	return c
}

func (p *Pool) put(c *Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= p.options.MaxIdle {
		c.Close()
		return
	}
	p.idle = append(p.idle, c)
}

// expire closes the connections that have been idle for too long.
func (p *Pool) expire(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := 0
	for old < len(p.idle) && now.Sub(p.idle[old].idleSince) > p.options.MaxAge {
		p.idle[old].Close()
		old++
	}
	kept := copy(p.idle, p.idle[old:])
	clear(p.idle[kept:])
	p.idle = p.idle[:kept]
}

// close closes the idle connections now, and those that are in use when they are released.
func (p *Pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, c := range p.idle {
		c.Close()
	}
	p.idle = nil
}
