package access

import (
	"context"
	"crypto/sha256"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/policy/variable"
	"github.com/ingress-testbed/testbed/proxy/upstream"
	"github.com/ingress-testbed/testbed/proxy/upstream/own"
)

// verdict is what the external server has replied.
type verdict struct {
	status int
	// lines are field lines for the endpoint, challenges and cookies for the client.
	lines, challenges, cookies []byte
	expires                    time.Time
}

// attempts is how often a server is tried that can't be reached.
const attempts = 3

var errNoServer = errors.New("the server has no address")

// verdict returns the server's reply, or a kept one.
func (p *external) verdict(r *policy.Request) (*verdict, error) {
	if p.cache == nil {
		return p.ask(r)
	}
	key := sha256.Sum256(p.cacheKey.Append(nil, r))
	now := time.Now()
	if found := p.cache.get(key, now); found != nil {
		return found, nil
	}
	found, err := p.ask(r)
	if err == nil && found.expires.After(now) {
		p.cache.put(key, found)
	}
	return found, err
}

// ask sends a request to the server. Connections that are kept are those of all routes to the same server together.
func (p *external) ask(r *policy.Request) (*verdict, error) {
	ctx, cancel := context.WithCancel(r.Context)
	defer cancel()
	var request message.Request
	r.Message.Subrequest(&request, p.method)
	for _, name := range p.replaced {
		request.RemoveName(name)
	}
	target := p.path.AppendURL(nil, r)
	request.SetTarget(target)
	call := &upstream.Call{
		Request: &request, Path: request.Path, Host: []byte(p.Host), Lines: p.appendLines(nil, r),
		Body: new(own.Body), Client: own.NewClient(ctx),
		OwnConnection: !p.KeepConnections,
		Timeouts:      upstream.Timeouts{Connect: p.Connect, Response: p.Response, Send: p.Response},
	}
	for attempt := 1; ; attempt++ {
		pool := r.Upstreams.NextPool(p.Upstream)
		if pool == nil {
			return nil, errNoServer
		}
		call.Begin()
		reply, err := pool.RoundTrip(call, time.Now())
		if err == nil {
			found := p.read(reply.Header())
			own.Discard(reply, p.method, p.Response)
			return found, nil
		}
		if attempt >= attempts || !call.Retryable(err) {
			return nil, err
		}
	}
}

// appendLines appends the field lines that ingress-nginx adds to such requests.
func (p *external) appendLines(dst []byte, r *policy.Request) []byte {
	line := func(name string, value []byte) { dst = policy.AppendLine(dst, name, string(value)) }
	line("X-Request-ID", r.ID)
	line("X-Real-IP", r.Client.AppendTo(nil))
	line("X-Forwarded-For", r.Client.AppendTo(nil))
	target := variable.AppendTarget(nil, r.Message)
	line("X-Original-URL", append(append([]byte(r.Scheme+"://"), r.Message.Host...), target...))
	line("X-Original-URI", target)
	line("X-Original-Method", r.Message.Method)
	line("X-Scheme", []byte(r.Scheme))
	line("X-Sent-From", []byte("nginx-ingress-controller"))
	if p.RequestRedirect != "" {
		target = p.redirect.Append(nil, r)
	}
	line("X-Auth-Request-Redirect", target)
	for i, header := range p.SetHeaders {
		line(header.Name, p.values[i].Append(nil, r))
	}
	return append(dst, r.RequestLines...) // the client's certificate, if it has one
}

// read takes out of a reply what is kept of it.
func (p *external) read(reply *message.Response) *verdict {
	found := &verdict{status: reply.Status}
	for i := range reply.Fields {
		field := &reply.Fields[i]
		switch {
		case message.EqualFold(field.Name, "set-cookie"):
			found.cookies = policy.AppendLine(found.cookies, "Set-Cookie", string(field.Value))
		case message.EqualFold(field.Name, "www-authenticate"):
			found.challenges = policy.AppendLine(found.challenges, "WWW-Authenticate", string(field.Value))
		}
		for j, name := range p.taken {
			if message.EqualFold(field.Name, name) {
				found.lines = policy.AppendLine(found.lines, p.ReplyHeaders[j], string(field.Value))
			}
		}
	}
	if lasts := p.lifetime(reply); lasts > 0 && len(found.cookies) == 0 {
		found.expires = time.Now().Add(lasts)
	}
	return found
}

// lifetime is how long a reply may be kept; 0 is not at all. As in nginx, the reply's own Cache-Control counts first.
func (p *external) lifetime(reply *message.Response) time.Duration {
	for option := range strings.SplitSeq(strings.ToLower(string(reply.Value("cache-control"))), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(option), "=")
		switch name {
		case "no-store", "no-cache", "private":
			return 0
		case "max-age", "s-maxage":
			seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31)
			if err != nil {
				return 0
			}
			return time.Duration(seconds) * time.Second
		}
	}
	for _, kept := range p.Cache {
		if kept.Status == reply.Status || kept.Status == 0 {
			return kept.For
		}
	}
	return 0
}

// mostVerdicts is how many replies are kept for one policy.
const mostVerdicts = 4096

// verdicts are kept replies.
type verdicts struct {
	mu    sync.Mutex
	byKey map[[sha256.Size]byte]*verdict
}

func newVerdicts() *verdicts { return &verdicts{byKey: make(map[[sha256.Size]byte]*verdict)} }

func (v *verdicts) get(key [sha256.Size]byte, now time.Time) *verdict {
	v.mu.Lock()
	defer v.mu.Unlock()
	found := v.byKey[key]
	if found != nil && !found.expires.After(now) {
		delete(v.byKey, key)
		return nil
	}
	return found
}

// put evicts an arbitrary entry if there are too many.
func (v *verdicts) put(key [sha256.Size]byte, found *verdict) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.byKey) >= mostVerdicts {
		for other := range v.byKey {
			delete(v.byKey, other)
			break
		}
	}
	v.byKey[key] = found
}
