package route

// Match selects requests of a host. All parts must match. Of several routes that match, the most
// specific path wins: exact, then the longest of the regular expressions and prefixes that match, of the same length the
// regular expression. Routes of the same path are compared as
// in Gateway API (HTTPRoute, "matches"): a method, then the number of headers, then the number of query parameters,
// then the order in the table. If no route of a path matches, the next less specific path is tried.
type Match struct {
	Path Path
	// Method is compared as it is (RFC 9110 section 9.1); "" matches every method.
	Method string
	// Headers must all be there. Names are compared in any case; one field line of that name must match.
	Headers []ValueMatch
	// Query parameters must all be there. Names and values are compared after decoding; the first parameter of a name
	// counts.
	Query []ValueMatch
}

// Path matches paths.
type Path struct {
	Kind PathKind
	// Value is a path that begins with a slash, or for Regex a regular expression (package regex). Requests are compared by
	// their decoded path (urlpath.AppendDecoded), and paths that are no regular expressions are decoded in the same way.
	Value string
	// IgnoreCase makes a Regex match letters of either case, as ingress-nginx's locations (~*) do.
	IgnoreCase bool
}

// PathKind is how a path is compared (Ingress v1, "Path types").
type PathKind uint8

const (
	// Prefix compares by path element: "/a" matches "/a", "/a/" and "/a/b", not "/ab". The longest prefix wins.
	Prefix PathKind = iota
	// Exact compares the whole path and beats all others.
	Exact
	// Regex matches paths that begin with a match of the regular expression: "/a" matches "/ab" too. Expressions are
	// tried longest first, like the locations that ingress-nginx writes; of two of the same length the one that sorts
	// last is first.
	Regex
)

// ValueMatch is a condition on a named value: a header or a query parameter.
type ValueMatch struct {
	Name string
	// Value is the whole value, or, if Regex is set, a regular expression (package regex) that must match the whole value.
	Value string
	Regex bool
}

// PrefixPath matches by path element.
func PrefixPath(path string) Match { return Match{Path: Path{Kind: Prefix, Value: path}} }

// ExactPath matches one path.
func ExactPath(path string) Match { return Match{Path: Path{Kind: Exact, Value: path}} }
