// Package replying has the policies that change replies.
package replying

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// CORS lets scripts of other origins read replies (Fetch Standard, "CORS protocol"), as ingress-nginx's enable-cors does:
// requests with the method OPTIONS from an allowed origin are answered with 204 (No Content), and replies get the
// Access-Control fields, instead of the endpoint's own. Requests of other origins pass without them.
type CORS struct {
	// Origins that are allowed, separated by commas: "*" for all, or such as "https://*.example.com", where the star is one
	// label. None is allowed if it is "".
	Origins         string
	Methods         string // value of Access-Control-Allow-Methods
	Headers         string // value of Access-Control-Allow-Headers
	Expose          string // value of Access-Control-Expose-Headers; "" sends none
	MaxAge          int    // in seconds
	WithCredentials bool
}

// Stage implements policy.Policy. Preflight requests have no credentials, so that they are answered before these are
// checked.
func (CORS) Stage() policy.Stage { return policy.Redirecting }

// Text implements route.Policy.
func (p CORS) Text() string {
	return fmt.Sprintf("cors origins=%q methods=%q headers=%q expose=%q max-age=%d credentials=%t",
		p.Origins, p.Methods, p.Headers, p.Expose, p.MaxAge, p.WithCredentials)
}

// Equal implements route.Policy.
func (p CORS) Equal(other route.Policy) bool { return other == route.Policy(p) }

// Bind implements policy.Binder.
func (p CORS) Bind(*policy.Binding) (hooks any, err error) {
	bound := &boundCORS{any: p.Origins == "*"}
	for origin := range strings.SplitSeq(strings.ToLower(p.Origins), ",") {
		if origin = strings.TrimSpace(origin); origin != "" {
			bound.origins = append(bound.origins, origin)
		}
	}
	if p.WithCredentials {
		bound.lines += "Access-Control-Allow-Credentials: true\r\n"
	}
	bound.lines += "Access-Control-Allow-Methods: " + p.Methods + "\r\nAccess-Control-Allow-Headers: " + p.Headers + "\r\n"
	if p.Expose != "" {
		bound.lines += "Access-Control-Expose-Headers: " + p.Expose + "\r\n"
	}
	bound.lines += "Access-Control-Max-Age: " + strconv.Itoa(p.MaxAge) + "\r\n"
	return bound, nil
}

type boundCORS struct {
	any     bool
	origins []string // in lower case
	lines   string   // that don't depend on the request
}

// Request implements policy.RequestPolicy.
func (c *boundCORS) Request(r *policy.Request) (reply policy.Reply, answered bool) {
	if string(r.Message.Method) != "OPTIONS" || !c.allows(r) {
		return policy.Reply{}, false
	}
	return policy.Reply{Status: 204}, true
}

// Reply implements policy.ReplyPolicy.
func (c *boundCORS) Reply(r *policy.Request, reply *message.Response) {
	if !c.allows(r) {
		return
	}
	if reply != nil {
		for _, name := range []string{
			"access-control-allow-origin", "access-control-allow-credentials", "access-control-allow-methods",
			"access-control-allow-headers", "access-control-expose-headers", "access-control-max-age",
		} {
			reply.RemoveName(name)
		}
	}
	dst := append(r.ReplyLines, "Access-Control-Allow-Origin: "...)
	if c.any {
		dst = append(dst, "*\r\n"...)
	} else {
		origin, _ := r.Message.Lookup("Origin")
		dst = append(dst, origin...)
		dst = append(dst, "\r\nVary: Origin\r\n"...)
	}
	r.ReplyLines = append(dst, c.lines...)
}

func (c *boundCORS) allows(r *policy.Request) bool {
	if c.any {
		return true
	}
	origin, _ := r.Message.Lookup("Origin")
	for _, pattern := range c.origins {
		if matchesOrigin(origin, pattern) {
			return true
		}
	}
	return false
}

// matchesOrigin compares an origin with a pattern in lower case, in which a star stands for one label.
func matchesOrigin(origin []byte, pattern string) bool {
	before, after, wild := strings.Cut(pattern, "*")
	if !wild {
		return message.EqualFold(origin, pattern)
	}
	if len(origin) <= len(before)+len(after) || !message.EqualFold(origin[:len(before)], before) ||
		!message.EqualFold(origin[len(origin)-len(after):], after) {
		return false
	}
	for _, c := range origin[len(before) : len(origin)-len(after)] {
		if c != '-' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}
