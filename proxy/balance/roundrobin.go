// Package balance decides which backend gets a request, by a canary's rules or by weights, and which endpoint of an
// upstream.
package balance

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"sync/atomic"

	"github.com/ingress-testbed/testbed/proxy/route"
)

// RoundRobin is the round robin over one set of endpoints. It is exact: n requests over m endpoints give each ⌊n/m⌋ or
// ⌈n/m⌉, whatever connections they come on, because the turn is one atomic counter. The first turn goes to the first
// endpoint. An address that is listed twice gets two turns.
type RoundRobin struct {
	endpoints []route.Endpoint
	sessions  map[string]int // index by session token
	tokens    []string
	hashes    []uint64
	suffix    string // of all tokens: it names the upstream
	turn      atomic.Uint64
}

// NewRoundRobin starts a round robin over the endpoints of the named upstream.
func NewRoundRobin(upstream string, endpoints []route.Endpoint) *RoundRobin {
	r := &RoundRobin{
		endpoints: endpoints,
		sessions:  make(map[string]int, len(endpoints)),
		tokens:    make([]string, len(endpoints)),
	}
	name := sha256.Sum256([]byte(upstream))
	r.suffix = "|" + hex.EncodeToString(name[:16])
	for i, endpoint := range endpoints {
		sum := sha256.Sum256([]byte(upstream + "|" + endpoint.Address.String()))
		r.tokens[i] = hex.EncodeToString(sum[:16]) + r.suffix
		r.sessions[r.tokens[i]] = i
		r.hashes = append(r.hashes, hashOf(endpoint.Address.String()))
	}
	return r
}

// Len is the number of endpoints.
func (r *RoundRobin) Len() int { return len(r.endpoints) }

// Next takes a turn and returns the index of its endpoint. There must be an endpoint.
func (r *RoundRobin) Next() int {
	return int((r.turn.Add(1) - 1) % uint64(len(r.endpoints)))
}

// Endpoint returns the endpoint at an index.
func (r *RoundRobin) Endpoint(index int) route.Endpoint { return r.endpoints[index] }

// Token is the value of the session cookie that keeps a client on the endpoint at an index. It depends only on the
// upstream's name and the endpoint's address, so that a session outlives every change of the table that leaves the
// endpoint where it is, and it does not disclose the address to the client.
func (r *RoundRobin) Token(index int) string { return r.tokens[index] }

// Owns reports whether a session cookie's value stands for an endpoint of the upstream, one that is gone included.
func (r *RoundRobin) Owns(token string) bool { return strings.HasSuffix(token, r.suffix) }

// Session returns the endpoint that a session cookie's value stands for.
func (r *RoundRobin) Session(token string) (index int, found bool) {
	index, found = r.sessions[token]
	return index, found
}
