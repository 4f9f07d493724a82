// Package trace describes how the proxy has handled an exchange, as plain values, for tools that explain an answer. Only a proxy
// that is configured to trace makes them.
package trace

import (
	"fmt"
	"net/netip"

	"github.com/ingress-testbed/testbed/proxy/route"
)

// Exchange is one request and its reply.
type Exchange struct {
	// Method, Target and Host are the request's, as the client has sent them.
	Method, Target, Host string
	// Scheme and Client are those of the connection, or the forwarded ones if they are trusted.
	Scheme string
	Client netip.Addr
	// Certificate is the certificate that was served; nil in plain text.
	Certificate *Certificate
	// Server is the virtual host that was selected.
	Server Server
	// Path is the decoded path that routes were compared with; "" if none was compared.
	Path string
	// Candidates are all routes of the server, from the most to the least specific path.
	Candidates []Candidate
	// Route is the selected one; nil if there is none.
	Route *route.Route
	// Policies are those of the route in the order in which they run.
	Policies []Policy
	// Selection is nil if no backend was selected.
	Selection *Selection
	// Attempts is how many endpoints got the request.
	Attempts int
	// Status is that of the reply, and Reason why the proxy has answered itself, or why the reply is incomplete.
	Status int
	Reason string
}

// Certificate is a certificate that was selected by a server name.
type Certificate struct {
	// ServerName is what the client has sent (SNI); "" for none.
	ServerName string
	// Name is the entry that the server name matched: the name itself or "*." and the rest; "" for the default certificate.
	Name string
	// Leaf is the certificate in DER.
	Leaf []byte
}

// Server is a virtual host of the table.
type Server struct {
	// Name is as in route.Host; "" is the server of every other host.
	Name string
	// Found is false if the table has no server for the host.
	Found bool
}

// Candidate is a route that was considered.
type Candidate struct {
	Route *route.Route
	// Verdict is how far the route came.
	Verdict Verdict
}

// Verdict is the result of comparing a route with a request.
type Verdict uint8

// The verdicts, from the best to the worst.
const (
	Selected       Verdict = iota
	LessSpecific           // it matches, and another one is more specific
	OtherCondition         // its path matches; its method, headers or query parameters don't
	OtherPath              // its path doesn't match
)

// Policy is a policy of the route.
type Policy struct {
	Text  string
	Stage string
	// Event is what it has done with the request; nil if it has no request hook, or if another one has answered before.
	Event *Event
	// SeesRequests and SeesReplies are the hooks that it has. Without one it configures the exchange.
	SeesRequests, SeesReplies bool
}

// Event is what a policy has done with a request.
type Event struct {
	// Effects are changes of the request, a phrase for each; empty if there is none.
	Effects []string
	// Status of the answer; 0 if the policy let the request pass. Reason is for operators.
	Status int
	Reason string
}

// Selection is where the request was sent.
type Selection struct {
	Backend route.Backend
	// Canary is whether the backend is the route's canary.
	Canary bool
	By     Rule
	// Endpoint is one of Endpoints; invalid if the backend denies, or has no endpoint.
	Endpoint  string
	Endpoints []route.Endpoint
	Protocol  string
}

// Rule is what has decided on a backend.
type Rule uint8

// The rules, in the order in which they are tried.
const (
	BySession Rule = iota // of a client's cookie
	ByCanaryHeader
	ByCanaryCookie
	ByCanaryWeight
	ByWeight // of the route's backends
)

// String is the rule as words.
func (r Rule) String() string {
	switch r {
	case BySession:
		return "session"
	case ByCanaryHeader:
		return "canary header"
	case ByCanaryCookie:
		return "canary cookie"
	case ByCanaryWeight:
		return "canary weight"
	case ByWeight:
		return "weight"
	}
	return fmt.Sprintf("Rule(%d)", uint8(r))
}

// String is the name of the constant.
func (v Verdict) String() string {
	switch v {
	case Selected:
		return "Selected"
	case LessSpecific:
		return "LessSpecific"
	case OtherCondition:
		return "OtherCondition"
	case OtherPath:
		return "OtherPath"
	}
	return fmt.Sprintf("Verdict(%d)", uint8(v))
}
