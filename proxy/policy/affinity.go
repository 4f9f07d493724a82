package policy

import (
	"fmt"
	"strconv"
	"time"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Affinity keeps a client on one endpoint by a cookie.
type Affinity struct {
	Cookie   string        // its name
	Path     string        // "" means "/"
	MaxAge   time.Duration // 0 makes it a session cookie
	SameSite string        // "", "Lax", "Strict" or "None"
	Secure   bool
}

// Stage implements Policy.
func (Affinity) Stage() Stage { return Selecting }

// Text implements route.Policy.
func (p Affinity) Text() string {
	return fmt.Sprintf("affinity cookie=%q path=%q max-age=%s same-site=%q secure=%t",
		p.Cookie, p.Path, p.MaxAge, p.SameSite, p.Secure)
}

// Equal implements route.Policy.
func (p Affinity) Equal(other route.Policy) bool { return other == route.Policy(p) }

// Configure implements Configurer.
func (p Affinity) Configure(settings *Settings) { settings.Affinity = &p }

// Reply implements ReplyPolicy: it sets the cookie in an endpoint's reply that starts a session.
func (p Affinity) Reply(r *Request, reply *message.Response) {
	if reply == nil || r.Session == "" {
		return
	}
	dst := append(r.ReplyLines, "Set-Cookie: "...)
	dst = p.appendCookie(dst, r.Session)
	r.ReplyLines = append(dst, '\r', '\n')
}

// appendCookie appends the value of the Set-Cookie field (RFC 6265 section 4.1).
func (p *Affinity) appendCookie(dst []byte, token string) []byte {
	dst = append(dst, p.Cookie...)
	dst = append(dst, '=')
	dst = append(dst, token...)
	dst = append(dst, "; Path="...)
	if p.Path == "" {
		dst = append(dst, '/')
	}
	dst = append(dst, p.Path...)
	if seconds := int64(p.MaxAge.Seconds()); seconds > 0 {
		dst = append(dst, "; Max-Age="...)
		dst = strconv.AppendInt(dst, seconds, 10)
	}
	dst = append(dst, "; HttpOnly"...)
	if p.SameSite != "" {
		dst = append(dst, "; SameSite="...)
		dst = append(dst, p.SameSite...)
	}
	if p.Secure || p.SameSite == "None" { // browsers drop SameSite=None cookies that are not Secure
		dst = append(dst, "; Secure"...)
	}
	return dst
}
