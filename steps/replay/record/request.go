package record

// Request is a request, with what was answered. The zero value of a field means the usual: GET, HTTP/1.1, once, on a
// connection of its own without TLS.
type Request struct {
	Method string `yaml:"method,omitempty"`
	Target string `yaml:"target,omitempty"`
	// Version in the request line; HTTP/1.1 if empty.
	Version string `yaml:"version,omitempty"`
	// Host is the value of the Host field, and the server name of the TLS handshake.
	Host string `yaml:"host,omitempty"`
	// Headers are lines that follow the usual ones: Host, User-Agent: probe and Accept: */*.
	Headers []string `yaml:"headers,omitempty"`
	// OnlyHeaders are all lines; Host and Headers are then unset.
	OnlyHeaders []string `yaml:"onlyHeaders,omitempty"`
	// Body, or BodyBytes for one of that many bytes. Content-Length is added.
	Body      string `yaml:"body,omitempty"`
	BodyBytes int    `yaml:"bodyBytes,omitempty"`
	// Raw are the bytes to send instead of all of the above, each as the character of that number (ISO 8859-1).
	Raw string `yaml:"raw,omitempty"`

	// HTTPS is set if the request is sent over TLS.
	HTTPS bool `yaml:"https,omitempty"`
	// ServerName of the handshake where it isn't the Host; "none" for a handshake without one.
	ServerName string `yaml:"serverName,omitempty"`
	// Port "https" is for a request without TLS to the port for HTTPS.
	Port string `yaml:"port,omitempty"`
	// MaxTLS is the highest version that is offered, such as TLS 1.2.
	MaxTLS string `yaml:"maxTLS,omitempty"`
	HTTP2  bool   `yaml:"http2,omitempty"`
	// ClientCertificate is the common name of a client certificate, signed by the record's authority.
	ClientCertificate string `yaml:"clientCertificate,omitempty"`

	// Times is how often the request is sent, one after the other; once if 0.
	Times int `yaml:"times,omitempty"`
	// KeepCookies is set if cookies of earlier answers are sent back.
	KeepCookies bool `yaml:"keepCookies,omitempty"`
	// SameConnection is set if all of Times use one connection.
	SameConnection bool `yaml:"sameConnection,omitempty"`
	// After is how long to wait first.
	After Duration `yaml:"after,omitempty"`
	// WebSocket is a text to send once the connection is switched; the answer has what comes back.
	WebSocket string `yaml:"websocket,omitempty"`

	// Judge is how the answers to a repeated request are compared; see the constants.
	Judge Judge `yaml:"judge,omitempty"`
	// Refill is how many requests in a second JudgeBucket adds to the first of the Answers.
	Refill float64 `yaml:"refill,omitempty"`
	// Answers that were given, each with how often. There are none in cases that are still to be recorded.
	Answers []Answer `yaml:"answers,omitempty"`
}

// Judge is how answers that aren't all the same are compared.
type Judge string

// The ways to judge.
const (
	// JudgeEqual is for answers that are all the same.
	JudgeEqual Judge = ""
	// JudgeSequence is for answers that come in their order, such as the first one with a cookie and those after it.
	JudgeSequence Judge = "sequence"
	// JudgeShare is for answers that are drawn at random: by an exact binomial test where each answer has a share, and else
	// by Fisher's exact test against the recorded counts.
	JudgeShare Judge = "share"
	// JudgeTurns is for answers that take turns, so that their counts differ by one at most.
	JudgeTurns Judge = "turns"
	// JudgeBucket is for a limit of requests in a time: the first answer comes as often as recorded, plus Refill for each
	// second that the requests took.
	JudgeBucket Judge = "bucket"
	// JudgeAnyOf is for a single request whose answer is drawn at random.
	JudgeAnyOf Judge = "any of"
)

// Repetitions is how often the request is sent.
func (r *Request) Repetitions() int { return max(1, r.Times) }

// Answer is what came back for a request.
type Answer struct {
	// Count is how many of a repeated request were answered like this; all of them if 0.
	Count int `yaml:"count,omitempty"`
	// Share of the requests that are answered like this, for JudgeShare.
	Share float64 `yaml:"share,omitempty"`
	// Error is why there was no answer, or no complete one; see the constants.
	Error Error `yaml:"error,omitempty"`
	// Status is 0 if there was none.
	Status int `yaml:"status,omitempty"`
	// Version of the answer if it isn't HTTP/1.x.
	Version string `yaml:"version,omitempty"`
	// Headers without those that depend on the moment or on the framing.
	Headers map[string]Values `yaml:"headers,omitempty"`
	TLS     *TLS              `yaml:"tls,omitempty"`
	// Backend that answered; "" if the controller answered itself, or if the answer doesn't name its backend.
	Backend string `yaml:"backend,omitempty"`
	// Saw is the request as the backend received it; nil if the backend doesn't describe it.
	Saw *Seen `yaml:"saw,omitempty"`
	// Body, or its beginning, of a backend that doesn't describe the request.
	Body       string `yaml:"body,omitempty"`
	BodyBegins string `yaml:"bodyBegins,omitempty"`
	// WebSocket is the text that came back.
	WebSocket string `yaml:"websocket,omitempty"`
}

// Error is a kind of failure of a connection.
type Error string

// The kinds of failures.
const (
	// ErrorHandshake is a TLS handshake that was refused.
	ErrorHandshake Error = "handshake refused"
	// ErrorClosed is a connection that was closed before an answer.
	ErrorClosed Error = "connection closed"
	// ErrorCutOff is an answer whose body ended too early.
	ErrorCutOff Error = "body cut off"
	// ErrorMalformed is an answer that isn't HTTP.
	ErrorMalformed Error = "malformed answer"
	// ErrorTimeout is an answer that took too long.
	ErrorTimeout Error = "no answer in time"
	// ErrorConnect is a connection that couldn't be made.
	ErrorConnect Error = "no connection"
)

// TLS is what a handshake agreed on.
type TLS struct {
	Version string `yaml:"version"`
	ALPN    string `yaml:"alpn,omitempty"`
	// Certificate is the name of the Secret whose certificate was served; "default" for any other certificate.
	Certificate string `yaml:"certificate"`
}

// Seen is a request as a backend received it. Empty fields are as in the request that was sent.
type Seen struct {
	Method  string `yaml:"method,omitempty"`
	Target  string `yaml:"target,omitempty"`
	Version string `yaml:"version,omitempty"`
	// Headers by name in lower case.
	Headers map[string]Values `yaml:"headers,omitempty"`
	// Partial is set if only some of the headers were recorded.
	Partial   bool   `yaml:"partial,omitempty"`
	Body      string `yaml:"body,omitempty"`
	BodyBytes int    `yaml:"bodyBytes,omitempty"`
}
