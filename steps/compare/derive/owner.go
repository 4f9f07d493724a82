package derive

import (
	"net"
	"net/url"
	"path"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
)

// owned is a path of an Ingress that isn't a canary.
type owned struct {
	reason Reason
	exact  bool
	path   string // sample, in lower case where it is a regular expression
	regex  bool
}

// Owner returns the reason that names the Ingress which a request belongs to: that of the rule which the Ingress API selects.
// Requests about canaries belong to the canary; those that no rule matches to the Ingress that they were derived from.
func (p *Plan) Owner(probe *Probe) Reason {
	first := probe.Reasons[0]
	for _, reason := range probe.Reasons {
		if strings.HasPrefix(reason.Rule, "canary") {
			return reason
		}
	}
	host := strings.ToLower(probe.Request.Host)
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	target, _, _ := strings.Cut(probe.Request.Target, "?")
	requested, err := url.PathUnescape(target)
	if err != nil {
		requested = target
	}
	requested = normalised(requested)
	_, parent, _ := strings.Cut(host, ".")
	for _, name := range []string{host, "*." + parent, ""} {
		if paths := p.owned[name]; len(paths) > 0 {
			if best := bestOf(paths, requested); best != nil {
				return best.reason
			}
			return first
		}
	}
	return first
}

// normalised is a path without dot segments and with single slashes, as most controllers compare it.
func normalised(target string) string {
	clean := path.Clean("/" + target)
	if strings.HasSuffix(target, "/") && clean != "/" {
		clean += "/"
	}
	return clean
}

// bestOf returns the most specific of the paths that match; nil if none does.
func bestOf(paths []owned, path string) *owned {
	var best *owned
	for i := range paths {
		one := &paths[i]
		if one.matches(path) && (best == nil || one.exact && !best.exact || one.exact == best.exact && len(one.path) > len(best.path)) {
			best = one
		}
	}
	return best
}

func (o *owned) matches(path string) bool {
	switch {
	case o.regex:
		return strings.HasPrefix(strings.ToLower(path), o.path)
	case o.exact:
		return path == o.path
	}
	prefix := strings.TrimSuffix(o.path, "/")
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

// own records the paths of an Ingress.
func (b *builder) own(s *subject, kind *networkingv1.PathType) {
	if isCanary(s.ingress) {
		return
	}
	one := owned{reason: s.reason("", ""), exact: kind != nil && *kind == networkingv1.PathTypeExact, path: s.sample, regex: s.regex}
	if one.regex {
		one.path = strings.ToLower(literalPrefix(s.path))
	}
	host := strings.ToLower(s.host)
	b.plan.owned[host] = append(b.plan.owned[host], one)
	for alias := range strings.SplitSeq(s.value("server-alias"), ",") {
		if alias = strings.ToLower(strings.TrimSpace(alias)); alias != "" {
			b.plan.owned[alias] = append(b.plan.owned[alias], one)
		}
	}
}

// literalPrefix is the beginning of an expression that stands for itself.
func literalPrefix(expression string) string {
	if at := strings.IndexAny(expression, `\.+*?()|[]{}^$`); at >= 0 {
		return expression[:at]
	}
	return expression
}
