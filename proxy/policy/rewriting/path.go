// Package rewriting has the policies that change requests to endpoints.
package rewriting

import (
	"fmt"
	"strings"

	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/proxy/urlpath"
)

// Path replaces the path that endpoints get, as ingress-nginx's rewrite-target does: the whole path by Target, in which
// $1 to $9 are what the groups of the route's regular expression have matched in the decoded path. Without a regular
// expression they are empty. The query is kept. A target that begins with http:// or https:// is answered with a redirect
// (302).
//
// Filling in groups costs one allocation, for the positions of the groups.
type Path struct {
	Target string
}

// Stage implements policy.Policy.
func (Path) Stage() policy.Stage { return policy.Rewriting }

// Text implements route.Policy.
func (p Path) Text() string { return fmt.Sprintf("rewrite to %q", p.Target) }

// Equal implements route.Policy.
func (p Path) Equal(other route.Policy) bool { return other == route.Policy(p) }

// Request implements policy.RequestPolicy.
func (p Path) Request(r *policy.Request) (reply policy.Reply, answered bool) {
	if strings.HasPrefix(p.Target, "http://") || strings.HasPrefix(p.Target, "https://") {
		target := expand(nil, p.Target, r)
		if r.Message.HasQuery {
			target = append(append(target, '?'), r.Message.Query...)
		}
		return r.Redirect(&route.Redirect{Status: 302, URL: string(target)}, ""), true
	}
	if !strings.HasPrefix(p.Target, "/") {
		r.Path = append(r.Path[:0], '/')
	} else {
		r.Path = r.Path[:0]
	}
	r.Path = expand(r.Path, p.Target, r)
	return policy.Reply{}, false
}

// expand appends a target with its groups filled in, each percent-encoded where a path must not have a character.
func expand(dst []byte, target string, r *policy.Request) []byte {
	var groups []int
	if r.Pattern != nil && strings.Contains(target, "$") {
		groups = r.Pattern.FindSubmatchIndex(r.Decoded)
	}
	for i := 0; i < len(target); i++ {
		if target[i] != '$' || i+1 == len(target) || target[i+1] < '0' || target[i+1] > '9' {
			dst = append(dst, target[i])
			continue
		}
		i++
		if group := 2 * int(target[i]-'0'); group+1 < len(groups) && groups[group] >= 0 {
			dst = urlpath.AppendEncoded(dst, r.Decoded[groups[group]:groups[group+1]])
		}
	}
	return dst
}
