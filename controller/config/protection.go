package config

import (
	"slices"
	"strings"
)

// parseProtection returns the first annotation for access control, without its prefix; "" if there is none.
// The paths of the Ingress must be denied then, as ingress-nginx denies those whose access control it can't set up.
func parseProtection(r *reader) (first string) {
	var names []string
	for key := range r.values {
		if name, ok := strings.CutPrefix(key, r.prefix); ok && isProtection(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		r.known[r.prefix+name] = true
		key := r.prefix + name
		r.faults = append(r.faults, Fault{
			Key:     key,
			Message: key + ": access control is not supported; the paths answer 503",
		})
	}
	if len(names) == 0 {
		return ""
	}
	return names[0]
}

// isProtection reports whether an annotation restricts access: auth-url, auth-type, auth-tls-secret and their like,
// whitelist-, allowlist- and denylist-source-range, and satisfy, which combines them.
func isProtection(name string) bool {
	return strings.HasPrefix(name, "auth-") || strings.HasSuffix(name, "-source-range") || name == "satisfy"
}
