package explain

// Explanation is the answer to a request, and how it came about.
type Explanation struct {
	Method string `json:"method"`
	URL    string `json:"url"`
	// Client is the address that the controller takes for the client's.
	Client string `json:"client"`
	// Host is the one that servers were compared with.
	Host string `json:"host"`
	// Mode is that of the controller.
	Mode string `json:"mode"`
	// Certificate is nil in plain text.
	Certificate *Certificate `json:"certificate,omitempty"`
	Server      Server       `json:"server"`
	// Paths are all of the server, most specific first.
	Paths    []Path   `json:"paths,omitempty"`
	Policies []Policy `json:"policies,omitempty"`
	// Passthrough is set if the TLS connection is forwarded as it is: the controller sees nothing of the request.
	Passthrough *Passthrough `json:"passthrough,omitempty"`
	// Calls are the requests that policies send by themselves, and attempts that failed, in the order in which they were received.
	Calls []Sent `json:"calls,omitempty"`
	// Backend is nil if none was selected.
	Backend *Backend `json:"backend,omitempty"`
	// Sent is what the backend got; nil if it got nothing.
	Sent   *Sent  `json:"sent,omitempty"`
	Answer Answer `json:"answer"`
	// Notes are sentences about objects that are not served as they are written.
	Notes []string `json:"notes,omitempty"`
	Other *Other   `json:"other,omitempty"`
}

// Certificate is the one that was served.
type Certificate struct {
	// Secret is "namespace/name"; "" is the self-made one.
	Secret     string `json:"secret,omitempty"`
	ServerName string `json:"serverName"`
	// Match is "exact", "wildcard" or "default".
	Match string `json:"match"`
}

// Passthrough is where a TLS connection is forwarded to.
type Passthrough struct {
	// Host is the one of the rules that the server name matched.
	Host    string `json:"host"`
	Service string `json:"service"`
}

// Server is a virtual host.
type Server struct {
	// Name is that of the rules; "" stands for rules without a host.
	Name string `json:"name"`
	// Match is "exact", "wildcard", "any" or "none".
	Match string `json:"match"`
}

// Path is a path of the server.
type Path struct {
	// Match is the kind, the path and conditions: "prefix /cart".
	Match string `json:"match"`
	// Source is the Ingress, as "namespace/name"; "" for the controller's default backend.
	Source string `json:"source,omitempty"`
	// Action is what the path does.
	Action string `json:"action"`
	// Selected is whether it serves the request, and Reason why it doesn't.
	Selected bool   `json:"selected,omitempty"`
	Reason   string `json:"reason,omitempty"`
	// Matches is whether the path itself matches.
	Matches bool `json:"matches,omitempty"`
}

// Policy is a policy of the selected path.
type Policy struct {
	Stage  string `json:"stage"`
	Text   string `json:"text"`
	Source string `json:"source,omitempty"`
	// Did says what it has done with the request.
	Did string `json:"did"`
	// Status of its answer; 0 if it let the request pass.
	Status int `json:"status,omitempty"`
}

// Backend is what was selected.
type Backend struct {
	Service  string `json:"service"`
	Source   string `json:"source,omitempty"`
	Endpoint string `json:"endpoint,omitempty"`
	Protocol string `json:"protocol,omitempty"`
	// Canary is whether it is the path's canary.
	Canary bool `json:"canary,omitempty"`
	// By is the rule that has selected it.
	By string `json:"by"`
	// Odds are the shares of all backends for requests like this one.
	Odds []string `json:"odds"`
	// Endpoints is how many there are, and Balancing how one of them is selected.
	Endpoints int    `json:"endpoints"`
	Balancing string `json:"balancing,omitempty"`
}

// Sent is a request to an endpoint.
type Sent struct {
	// For is "" for the client's own request.
	For Purpose `json:"for,omitempty"`
	To  string  `json:"to"`
	// Line is the request line.
	Line   string  `json:"line"`
	Header []Field `json:"header"`
	Body   int64   `json:"body,omitempty"` // bytes
}

// Answer is what the client gets.
type Answer struct {
	Status int `json:"status"`
	// By is "backend", "error backend" or "controller".
	By string `json:"by"`
	// Reason is why the controller has answered itself.
	Reason string  `json:"reason,omitempty"`
	Header []Field `json:"header"`
}

// Class is the first digit of the status.
func (a Answer) Class() int { return a.Status / 100 }

// Other is what the other mode does.
type Other struct {
	Mode string `json:"mode"`
	// Differences are phrases; none if the answer is the same.
	Differences []string `json:"differences"`
}
