package location

import (
	"fmt"
	"strings"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/internal/regex"
	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/proxy/urlpath"
)

// characters that only regular expressions need.
const expressionCharacters = `()[]{}*+?|^$\`

// PathReader normalises the paths of an Ingress.
type PathReader struct {
	Mode compatibility.Mode
	// Regexes is whether the paths of the Ingress may be regular expressions (use-regex, rewrite-target).
	Regexes bool
}

// Normalise puts the path of a rule into the form in which the proxy compares it: a regular expression unchanged, or a path
// in one form, so that two rules for the same requests are found. specific is whether the path type is
// ImplementationSpecific. fault is why the path could never be matched; the API server rejects most of these paths too, but
// not those of type ImplementationSpecific.
func (r PathReader) Normalise(where *Location, specific bool) (fault string) {
	if !strings.HasPrefix(where.Path, "/") {
		return "a path must begin with a slash"
	}
	if r.isRegex(where.Path, specific) {
		where.Kind, where.IgnoreCase = route.Regex, true
		return CheckRegex(where.Path)
	}
	if !specific && r.Mode.Reproduces(compatibility.StrictPaths) && strings.ContainsFunc(where.Path, isUnusual) {
		return "paths of type Exact and Prefix consist of letters, digits and -._~/"
	}
	if strings.Contains(where.Path, "//") {
		return `a path must not contain "//"`
	}
	decoded, err := urlpath.AppendDecoded(nil, where.Path)
	if err != nil {
		return err.Error()
	}
	where.Path = string(urlpath.AppendEncoded(nil, decoded))
	if where.Kind == route.Prefix && where.Path != "/" {
		// Compared by element, "/a/" and "/a" are the same prefix (Ingress v1, "Path types", examples).
		where.Path = strings.TrimSuffix(where.Path, "/")
	}
	return ""
}

// isRegex reports whether a path is a regular expression: one of type ImplementationSpecific, or of another type but with
// characters that only regular expressions need, as in the examples of older documentation of ingress-nginx.
func (r PathReader) isRegex(path string, specific bool) bool {
	return r.Regexes && (specific || strings.ContainsAny(path, expressionCharacters))
}

// isUnusual reports whether ingress-nginx rejects a character in paths that are not regular expressions.
func isUnusual(c rune) bool {
	letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
	return !letter && (c < '0' || c > '9') && !strings.ContainsRune("-._~/", c)
}

// CheckRegex returns why a path is not a regular expression; "" if it is one.
func CheckRegex(path string) (fault string) {
	if _, err := regex.CompileBetween("^(?:", path, ")"); err != nil {
		return fmt.Sprintf("the path is not a regular expression (RE2 syntax, and lookaheads): %v", err)
	}
	return ""
}

// Closed returns the location that is denied instead of a regular expression that can't be compiled, because another route
// could otherwise serve what the expression was to protect: all paths that begin with its literal part, or "/" if it has none.
func Closed(host, path string) Location {
	literal := path
	if end := strings.IndexAny(path, expressionCharacters+"."); end >= 0 {
		literal = path[:end]
		if strings.ContainsRune("*?{", rune(path[end])) { // the character before is optional
			literal = path[:max(end-1, 0)]
		}
	}
	if len(literal) <= 1 || strings.Contains(path, "|") {
		return Root(host)
	}
	return Regex(host, literal)
}
