// Package location has the hosts and paths that the rules of Ingresses claim, in the form in which the proxy compares them.
package location

import (
	"fmt"

	"github.com/ingress-testbed/testbed/proxy/route"
)

// Location is a host and a path. Two rules with the same Location are in conflict.
type Location struct {
	Host string // "" stands for all hosts without rules
	Path string
	Kind route.PathKind
	// IgnoreCase is set for regular expressions.
	IgnoreCase bool
}

// String is the location as a message shows it: `path "/a" of host "x.org"`.
func (l Location) String() string {
	host := "every other host"
	if l.Host != "" {
		host = fmt.Sprintf("host %q", l.Host)
	}
	return fmt.Sprintf("path %q of %s", l.Path, host)
}

// Match is the location as the match of a route.
func (l Location) Match() route.Match {
	return route.Match{Path: route.Path{Kind: l.Kind, Value: l.Path, IgnoreCase: l.IgnoreCase}}
}

// Root is the path "/" of a host, which serves all that its other paths don't.
func Root(host string) Location {
	return Location{Host: host, Path: "/", Kind: route.Prefix}
}

// Regex is a regular expression of a host. As in ingress-nginx, it ignores case.
func Regex(host, expression string) Location {
	return Location{Host: host, Path: expression, Kind: route.Regex, IgnoreCase: true}
}
