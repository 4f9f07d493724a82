// Package match finds what serves a request: exact host before wildcard before all others (Ingress v1, "Hostname
// wildcards"); then an exact path, or the longest of the prefixes by path element ("Path types") and regular expressions
// that match; and on the same path the match with the most conditions that the request satisfies.
//
// Finding costs two map look-ups for the host, one for an exact path, and one for each element of the path that some
// prefix of the host shares, whatever the number of hosts and paths. A host with regular expressions costs a binary
// search more, and a run of those that begin like the path.
package match

import (
	"strings"

	"github.com/ingress-testbed/testbed/proxy/message"
)

// Hosts maps host names to what serves them. The zero value matches nothing. It must not be changed once it is used.
type Hosts[T any] struct {
	// WordLabels has a star stand for a label of letters, digits, hyphens and underscores only.
	WordLabels bool

	exact    map[string]*Paths[T]
	wildcard map[string]*Paths[T] // by what follows the star, dot included
	rest     *Paths[T]
}

// Add makes paths serve the host: a name in lower case, "*." and a name, or "" for every other host. It reports
// false, and changes nothing, if the host is there already.
func (h *Hosts[T]) Add(host string, paths *Paths[T]) bool {
	switch {
	case host == "":
		if h.rest != nil {
			return false
		}
		h.rest = paths
		return true
	case strings.HasPrefix(host, "*."):
		return addNew(&h.wildcard, host[1:], paths)
	default:
		return addNew(&h.exact, host, paths)
	}
}

// Find returns what serves a request for a decoded path of a host, which is in lower case and has no port. A host that is known does not
// fall back to a wildcard or to the rest when its paths don't match: rules of different hosts are different servers.
func (h *Hosts[T]) Find(host, path string, r *message.Request) (value T, found bool) {
	paths := h.paths(host)
	if paths == nil {
		return value, false
	}
	return paths.Find(path, r)
}

// paths returns those of a host; nil if there are none.
func (h *Hosts[T]) paths(host string) *Paths[T] {
	if paths := h.exact[host]; paths != nil {
		return paths
	}
	if h.wildcard != nil {
		if dot := strings.IndexByte(host, '.'); dot > 0 && h.isLabel(host[:dot]) { // a star stands for one label, and not for none
			if paths := h.wildcard[host[dot:]]; paths != nil {
				return paths
			}
		}
	}
	return h.rest
}

// isLabel reports whether a star stands for a label.
func (h *Hosts[T]) isLabel(label string) bool {
	return !h.WordLabels || strings.IndexFunc(label, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
	}) < 0
}

func addNew[T any](values *map[string]*T, key string, value *T) bool {
	if *values == nil {
		*values = make(map[string]*T)
	}
	if _, taken := (*values)[key]; taken {
		return false
	}
	(*values)[key] = value
	return true
}
