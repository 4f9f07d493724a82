package translate

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/proxy/urlpath"
)

// normalise makes the path of a rule what the proxy compares: a regular expression as it is, or a path in one form, so that
// two rules for the same requests are found. It returns what keeps the path from ever being matched; the API server refuses
// most of that, too, but not for paths of type ImplementationSpecific.
func (r ingressReader) normalise(where *location, specific bool) (fault string) {
	if !strings.HasPrefix(where.path, "/") {
		return "a path must begin with a slash"
	}
	if r.isRegex(where.path, specific) {
		where.kind, where.ignoreCase = route.Regex, true
		return checkRegex(where.path)
	}
	if !specific && r.mode.Reproduces(compatibility.StrictPaths) && strings.ContainsFunc(where.path, isUnusual) {
		return "paths of type Exact and Prefix consist of letters, digits and -._~/"
	}
	if strings.Contains(where.path, "//") {
		return `a path must not contain "//"`
	}
	decoded, err := urlpath.AppendDecoded(nil, where.path)
	if err != nil {
		return err.Error()
	}
	where.path = string(urlpath.AppendEncoded(nil, decoded))
	if where.kind == route.Prefix && where.path != "/" {
		// Compared by element, "/a/" and "/a" are the same prefix (Ingress v1, "Path types", examples).
		where.path = strings.TrimSuffix(where.path, "/")
	}
	return ""
}

// isRegex reports whether a path is a regular expression: one of type ImplementationSpecific, or of another type but with
// characters that only regular expressions need, as older documentation of ingress-nginx has them.
func (r ingressReader) isRegex(path string, specific bool) bool {
	return r.rewrite.Active() && (specific || strings.ContainsAny(path, `()[]{}*+?|^$\`))
}

func checkRegex(path string) (fault string) {
	if _, err := regexp.Compile(path); err != nil {
		return fmt.Sprintf("the path is not a regular expression (RE2 syntax): %v", err)
	}
	return ""
}

// closedLocation is what is closed in place of a path that is not a regular expression: what begins like it, up to the first
// character with a meaning. Another route could otherwise serve what the path's Ingress protects. Without such a beginning it
// is "/", unless another rule has that.
func closedLocation(host, path string) location {
	literal := path
	if end := strings.IndexAny(path, `()[]{}*+?|^$\.`); end >= 0 {
		literal = path[:end]
		if strings.ContainsRune("*?{", rune(path[end])) { // the character before is optional
			literal = path[:max(end-1, 0)]
		}
	}
	if len(literal) <= 1 || strings.Contains(path, "|") {
		return location{host: host, path: "/", kind: route.Prefix}
	}
	return location{host: host, path: literal, kind: route.Regex, ignoreCase: true}
}

// isUnusual reports whether a character is one that ingress-nginx refuses in paths that are no regular expressions.
func isUnusual(c rune) bool {
	letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
	return !letter && (c < '0' || c > '9') && !strings.ContainsRune("-._~/", c)
}

// spreadRegexes turns all paths of hosts where an Ingress has regular expressions into such.
func spreadRegexes(all []*ingress) {
	hosts := map[string]bool{}
	for _, ingress := range all {
		if ingress.config.Canary != nil || !ingress.config.Rewrite.Active() {
			continue
		}
		for _, host := range ingress.hosts {
			hosts[host] = true
		}
	}
	for _, ingress := range all {
		for i := range ingress.entries {
			e := &ingress.entries[i]
			if hosts[e.host] && checkRegex(e.written) == "" {
				e.location = location{host: e.host, path: e.written, kind: route.Regex, ignoreCase: true}
			}
		}
	}
}

// addSlashRedirects has the paths without the last slash of rules redirected to those with it, unless a rule has them.
func (r *routes) addSlashRedirects(owner *ingress) {
	for _, e := range owner.entries {
		if !e.endsInSlash() {
			continue
		}
		without := location{host: e.host, path: strings.TrimSuffix(e.path, "/"), kind: route.Exact}
		if _, taken := r.claims[without]; taken {
			continue
		}
		r.claims[without] = &claim{from: owner, route: route.Route{
			Match: without.match(), Policies: r.everywhere, Source: owner.source(), Action: route.Redirect{
				Status: 301, Path: route.PathChange{Kind: route.ReplacePath, Value: without.path + "/"},
			},
		}}
	}
}
