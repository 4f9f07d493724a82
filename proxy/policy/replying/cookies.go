package replying

import (
	"bytes"
	"fmt"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Cookies changes attributes of the cookies that endpoints set (RFC 6265 section 4.1.1): the beginning of Path, and Domain
// as a whole, without regard to case and to a dot at its beginning. An empty From changes nothing.
type Cookies struct {
	PathFrom, PathTo     string
	DomainFrom, DomainTo string
}

// Stage implements policy.Policy. It runs before the policies that set cookies of the proxy.
func (Cookies) Stage() policy.Stage { return policy.Rewriting }

// Text implements route.Policy.
func (p Cookies) Text() string {
	return fmt.Sprintf("cookies path %q to %q, domain %q to %q", p.PathFrom, p.PathTo, p.DomainFrom, p.DomainTo)
}

// Equal implements route.Policy.
func (p Cookies) Equal(other route.Policy) bool { return other == route.Policy(p) }

// Reply implements policy.ReplyPolicy.
func (p Cookies) Reply(r *policy.Request, reply *message.Response) {
	if reply == nil {
		return
	}
	dst, found := r.ReplyLines, false
	for i := range reply.Fields {
		field := &reply.Fields[i]
		if !field.IsForwarded() || !message.EqualFold(field.Name, "set-cookie") {
			continue
		}
		found = true
		dst = append(dst, "Set-Cookie: "...)
		dst = p.appendCookie(dst, field.Value)
		dst = append(dst, '\r', '\n')
	}
	if found {
		reply.RemoveName("set-cookie")
		r.ReplyLines = dst
	}
}

func (p Cookies) appendCookie(dst, cookie []byte) []byte {
	for first := true; ; first = false {
		part, rest, more := bytes.Cut(cookie, []byte{';'})
		name, value, has := bytes.Cut(part, []byte{'='})
		trimmed := bytes.TrimSpace(name)
		switch {
		case first || !has:
			dst = append(dst, part...)
		case p.PathFrom != "" && message.EqualFold(trimmed, "path") && bytes.HasPrefix(bytes.TrimSpace(value), []byte(p.PathFrom)):
			dst = append(append(dst, name...), '=')
			dst = append(dst, p.PathTo...)
			dst = append(dst, bytes.TrimSpace(value)[len(p.PathFrom):]...)
		case p.DomainFrom != "" && message.EqualFold(trimmed, "domain") && sameDomain(bytes.TrimSpace(value), p.DomainFrom):
			dst = append(append(dst, name...), '=')
			dst = append(dst, p.DomainTo...)
		default:
			dst = append(dst, part...)
		}
		if !more {
			return dst
		}
		dst, cookie = append(dst, ';'), rest
	}
}

func sameDomain(value []byte, domain string) bool {
	return bytes.EqualFold(bytes.TrimPrefix(value, []byte{'.'}), []byte(domain))
}
