package route

// Action is how a route answers: Forward, Redirect or Deny.
type Action interface {
	// Text is the action in one line, for dumps and golden files.
	Text() string
	// Equal reports whether the other action does exactly the same.
	Equal(other Action) bool

	sealed()
}

// Forward sends requests to backends.
type Forward struct {
	// Backends share the requests in proportion to their weights, at random. Without one that has a weight, requests
	// are answered with 503.
	Backends []Backend
	// Canary takes requests away from Backends; nil for none.
	Canary *Canary
}

// To forwards all requests to one upstream.
func To(upstream string) Forward {
	return Forward{Backends: []Backend{{Upstream: upstream, Weight: 1}}}
}

// Backend is an upstream and the object it stands for.
type Backend struct {
	// Upstream names an entry of Table.Upstreams. A name that is not there, like an upstream without endpoints,
	// answers 503 (Service Unavailable, RFC 9110 section 15.6.4).
	Upstream string
	// Secure names the upstream of requests that clients have sent over HTTPS, in the place of Upstream; "" is Upstream.
	Secure string
	// Weight is the backend's share of the sum of the weights; 0 gets no requests.
	Weight int
	// Service is what the upstream was made from.
	Service ServiceRef
	// Deny, if not nil, answers the requests for the backend; Upstream is then ignored.
	Deny *Deny
}

// ServiceRef names a port of a Service. It is shown in dumps, logs and metrics and decides nothing.
type ServiceRef struct {
	Namespace, Name string
	Port            string // as its user writes it: a number or a name
}

// Canary diverts part of a route's requests to another backend. The rules are tried in the order of the fields; the
// first that decides wins (ingress-nginx, "Canary": by header, by cookie, by weight). A canary whose upstream has no
// endpoints gets nothing.
type Canary struct {
	Backend Backend // its Weight is ignored
	// Source is the object that the canary was made from.
	Source ObjectRef
	// Header is the name of a request header; "" for none. If HeaderValue is set, a request whose header equals it
	// is diverted; else if HeaderPattern is set, one whose header matches that regular expression (package regex) is;
	// else "always" diverts and "never" doesn't. Any other value decides nothing.
	Header        string
	HeaderValue   string
	HeaderPattern string
	// Cookie is the name of a cookie whose value "always" diverts and "never" doesn't; "" for none.
	Cookie string
	// Weight of WeightTotal requests, drawn at random for each, are diverted. WeightTotal 0 means 100.
	Weight, WeightTotal int
}

// Total is WeightTotal, or what its zero value stands for.
func (c *Canary) Total() int {
	if c.WeightTotal == 0 {
		return 100
	}
	return c.WeightTotal
}

// Redirect sends clients to another URL.
type Redirect struct {
	// Status is 301, 302, 303, 307 or 308 (RFC 9110 section 15.4).
	Status int
	// URL is the whole new location. If it is "", the location is the URL of the request, changed by the fields below.
	URL string
	// Scheme is "http" or "https"; "" keeps that of the request.
	Scheme string
	// Host is a name without port; "" keeps that of the request.
	Host string
	// Port 0 keeps that of the request, or, with a Scheme, is the one that the proxy serves this scheme on.
	Port uint16
	// Path replaces the path of the request.
	Path PathChange
	// DropQuery leaves out the query of the request, which is kept otherwise.
	DropQuery bool
	// CutSlash leaves out one slash at the end of the location.
	CutSlash bool
	// ShowPort writes the port also if it is the scheme's own.
	ShowPort bool
}

// PathChange replaces a path or its beginning. The zero value keeps it.
type PathChange struct {
	Kind  PathChangeKind
	Value string // begins with a slash
}

// PathChangeKind is the part of a path that is replaced.
type PathChangeKind uint8

// The kinds of changes.
const (
	KeepPath      PathChangeKind = iota
	ReplacePath                  // the whole path
	ReplacePrefix                // the prefix that the route matched; routes of other kinds replace the whole path
)

// Deny answers with an error.
type Deny struct {
	// Status is 400 to 599.
	Status int
	// Reason is for operators: it is shown in dumps and in the access log, not to clients.
	Reason string
}

func (Forward) sealed()  {}
func (Redirect) sealed() {}
func (Deny) sealed()     {}
