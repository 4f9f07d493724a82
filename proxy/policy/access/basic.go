package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/ingress-testbed/testbed/proxy/basicauth"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Basic requires the name and password of a user (RFC 7617), and answers with 401 (Unauthorized) without. What the
// client has sent is not forwarded.
type Basic struct {
	Realm string
	Users Users
	// Origin is "namespace/name" of what the users are from, shown in dumps.
	Origin string
}

// Stage implements policy.Policy.
func (Basic) Stage() policy.Stage { return policy.Authorizing }

// Text implements route.Policy. Hashes are secret: it has their sum.
func (p Basic) Text() string {
	return fmt.Sprintf("basic authentication realm=%q users=%d of %s sha256:%s", p.Realm, len(p.Users), p.Origin, p.sum()[:16])
}

func (p Basic) sum() string {
	var all strings.Builder
	for _, name := range slices.Sorted(maps.Keys(p.Users)) {
		fmt.Fprintf(&all, "%q:%q\n", name, p.Users[name])
	}
	sum := sha256.Sum256([]byte(all.String()))
	return hex.EncodeToString(sum[:])
}

// Equal implements route.Policy.
func (p Basic) Equal(other route.Policy) bool {
	o, ok := other.(Basic)
	return ok && p.Realm == o.Realm && p.Origin == o.Origin && maps.Equal(p.Users, o.Users)
}

// Bind implements policy.Binder. Policies with the same users share what they know of right passwords.
func (p Basic) Bind(b *policy.Binding) (any, error) {
	compiled := &basic{hashes: make(map[string]passwordHash, len(p.Users))}
	for _, name := range slices.Sorted(maps.Keys(p.Users)) {
		hash, err := newHash(p.Users[name])
		if err != nil {
			return nil, fmt.Errorf("the password of a user of %s: %w", p.Origin, err)
		}
		compiled.hashes[name], compiled.unknown = hash, hash
	}
	if compiled.unknown == nil {
		return nil, fmt.Errorf("%s has no user", p.Origin)
	}
	compiled.challenge = "Basic realm=" + quoted(p.Realm)
	compiled.known = policy.BoundState(b, "passwords "+p.sum(), newCredentials)
	return compiled, nil
}

// basic is a compiled Basic.
type basic struct {
	challenge string
	hashes    map[string]passwordHash
	unknown   passwordHash // takes as long for a user who is not there as for one who is
	known     *credentials
}

const authorization = "authorization"

// Request is the hook.
func (p *basic) Request(r *policy.Request) (reply policy.Reply, answered bool) {
	sent, _ := r.Message.Lookup(authorization)
	if len(sent) > 0 {
		right, err := p.check(r.Context, sent)
		if err != nil {
			return policy.Reply{Status: 503, Reason: "checking a password: " + err.Error()}, true
		}
		if right {
			r.Message.RemoveName(authorization)
			return policy.Reply{}, false
		}
	}
	r.AddReplyHeader("WWW-Authenticate", p.challenge)
	if len(sent) > 0 {
		return policy.Reply{Status: 401, Reason: "the user or password is wrong"}, true
	}
	return policy.Reply{Status: 401, Reason: "there is no password"}, true
}

// check reports whether the value of an Authorization field is right.
func (p *basic) check(ctx context.Context, sent []byte) (right bool, err error) {
	if p.known.has(sent) {
		return true, nil
	}
	user, password, ok := basicauth.Parse(sent)
	if !ok {
		return false, nil
	}
	if err := p.known.begin(ctx); err != nil {
		return false, err
	}
	defer p.known.end()
	hash, found := p.hashes[user]
	if !found {
		p.unknown(password)
		return false, nil
	}
	if !hash(password) {
		return false, nil
	}
	p.known.add(sent)
	return true, nil
}

// quoted is a quoted string (RFC 9110 section 5.6.4).
func quoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// mostCredentials is how many correct passwords are cached for one set of users.
const mostCredentials = 1024

// credentials caches correct passwords: hashes of passwords are slow on purpose, and clients send the same one with
// every request. It holds keyed sums, no passwords.
type credentials struct {
	key     [32]byte
	running chan struct{} // an element for each check that may run

	mu    sync.Mutex
	right map[[sha256.Size]byte]struct{}
}

func newCredentials() *credentials {
	c := &credentials{
		running: make(chan struct{}, runtime.GOMAXPROCS(0)),
		right:   make(map[[sha256.Size]byte]struct{}),
	}
	_, _ = rand.Read(c.key[:]) // never fails, by its documentation
	return c
}

// sum allocates nothing for a field of usual length.
func (c *credentials) sum(sent []byte) [sha256.Size]byte {
	var buffer [256]byte
	return sha256.Sum256(append(append(buffer[:0], c.key[:]...), sent...))
}

func (c *credentials) has(sent []byte) bool {
	sum := c.sum(sent)
	c.mu.Lock()
	defer c.mu.Unlock()
	_, found := c.right[sum]
	return found
}

// add evicts an arbitrary entry if there are too many.
func (c *credentials) add(sent []byte) {
	sum := c.sum(sent)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.right) >= mostCredentials {
		for other := range c.right {
			delete(c.right, other)
			break
		}
	}
	c.right[sum] = struct{}{}
}

// begin waits until a check may run: clients that try passwords must not take all processors for long.
func (c *credentials) begin(ctx context.Context) error {
	select {
	case c.running <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (c *credentials) end() { <-c.running }
