package policy

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Affinity keeps a client on one endpoint by a cookie.
type Affinity struct {
	Cookie string // its name
	Path   string // "" means "/"
	Domain string // "" leaves the cookie to the host alone
	// MaxAge in seconds; "" sends none. With Expires, too, browsers take Max-Age (RFC 6265 section 5.3).
	MaxAge   string
	Expires  time.Duration // from now; 0 sends none
	SameSite string        // "", "Lax", "Strict" or "None"
	// CompatibleNone leaves SameSite=None out for browsers that take it for Strict or drop the cookie.
	CompatibleNone bool
	// Secure marks the cookie as such over plain text, too; over HTTPS it always is.
	Secure bool
	// MainOnly leaves sessions to the route's own backends: a canary's requests begin none.
	MainOnly bool
	// Stay keeps a session on its endpoint if that fails; otherwise the session moves.
	Stay bool
}

// Stage implements Policy.
func (Affinity) Stage() Stage { return Selecting }

// Text implements route.Policy.
func (p Affinity) Text() string {
	var text strings.Builder
	fmt.Fprintf(&text, "affinity cookie=%q path=%q", p.Cookie, p.Path)
	for _, field := range []struct{ name, value string }{
		{"domain", p.Domain}, {"max-age", p.MaxAge}, {"same-site", p.SameSite},
	} {
		if field.value != "" {
			fmt.Fprintf(&text, " %s=%q", field.name, field.value)
		}
	}
	if p.Expires > 0 {
		fmt.Fprintf(&text, " expires=%s", p.Expires)
	}
	for _, flag := range []struct {
		name string
		set  bool
	}{{"compatible-none", p.CompatibleNone}, {"secure", p.Secure}, {"main-only", p.MainOnly}, {"stay", p.Stay}} {
		if flag.set {
			fmt.Fprintf(&text, " %s", flag.name)
		}
	}
	return text.String()
}

// Equal implements route.Policy.
func (p Affinity) Equal(other route.Policy) bool { return other == route.Policy(p) }

// Configure implements Configurer.
func (p Affinity) Configure(settings *Settings) { settings.Affinity = &p }

// Reply implements ReplyPolicy: it sets the cookie in the reply that starts a session, also if the endpoint has failed.
func (p Affinity) Reply(r *Request, _ *message.Response) {
	if r.Session == "" {
		return
	}
	dst := append(r.ReplyLines, "Set-Cookie: "...)
	dst = p.appendCookie(dst, r)
	r.ReplyLines = append(dst, '\r', '\n')
}

// appendCookie appends the value of the Set-Cookie field (RFC 6265 section 4.1), in ingress-nginx's order.
func (p *Affinity) appendCookie(dst []byte, r *Request) []byte {
	dst = append(dst, p.Cookie...)
	dst = append(dst, '=')
	dst = append(dst, r.Session...)
	if p.Expires > 0 {
		dst = append(dst, "; Expires="...)
		dst = time.Now().Add(p.Expires).UTC().AppendFormat(dst, http.TimeFormat)
	}
	if p.MaxAge != "" {
		dst = append(dst, "; Max-Age="...)
		dst = append(dst, p.MaxAge...)
	}
	if p.Domain != "" {
		dst = append(dst, "; Domain="...)
		dst = append(dst, p.Domain...)
	}
	dst = append(dst, "; Path="...)
	if p.Path == "" {
		dst = append(dst, '/')
	}
	dst = append(dst, p.Path...)
	if p.Secure || r.Scheme == "https" {
		dst = append(dst, "; Secure"...)
	}
	dst = append(dst, "; HttpOnly"...)
	misread := p.CompatibleNone && p.SameSite == "None" && misreadsNone(view(r.Message.Value(message.UserAgent)))
	if p.SameSite != "" && !misread {
		dst = append(dst, "; SameSite="...)
		dst = append(dst, p.SameSite...)
	}
	return dst
}

// misreadsNone reports whether a browser takes SameSite=None for Strict, or drops the cookie: iOS 12, Safari of macOS
// 10.14, Chrome 51 to 66 and UC Browser before 12.13.2 (the Chromium project's list of incompatible clients).
func misreadsNone(agent string) bool {
	switch {
	case strings.Contains(agent, "OS 12_") && (strings.Contains(agent, "iPhone") || strings.Contains(agent, "iPad") || strings.Contains(agent, "iPod")):
		return true
	case strings.Contains(agent, "Mac OS X 10_14"):
		return strings.Contains(agent, "Version/") && strings.Contains(agent, "Safari/") && !strings.Contains(agent, "Chrom")
	case strings.Contains(agent, "UCBrowser/"):
		return olderThan(after(agent, "UCBrowser/"), 12, 13, 2)
	}
	for _, name := range [2]string{"Chrome/", "Chromium/"} {
		if strings.Contains(agent, name) {
			major, _ := number(after(agent, name))
			return major >= 51 && major <= 66
		}
	}
	return false
}

func after(text, separator string) string {
	_, rest, _ := strings.Cut(text, separator)
	return rest
}

// olderThan compares a version of three numbers.
func olderThan(version string, than ...int) bool {
	for _, want := range than {
		var got int
		got, version = number(version)
		if got != want {
			return got < want
		}
		version = strings.TrimPrefix(version, ".")
	}
	return false
}

// number cuts a number off the beginning of a text; 0 if there is none.
func number(text string) (value int, rest string) {
	end := 0
	for end < len(text) && end < 9 && '0' <= text[end] && text[end] <= '9' {
		end++
	}
	value, _ = strconv.Atoi(text[:end]) // at most nine digits
	return value, text[end:]
}
