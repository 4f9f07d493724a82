package route

import (
	"bufio"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Transport is the protocol of a Stream.
type Transport uint8

// The transports.
const (
	TCP Transport = iota
	UDP
)

// String is "tcp" or "udp".
func (t Transport) String() string {
	switch t {
	case TCP:
		return "tcp"
	case UDP:
		return "udp"
	}
	return fmt.Sprintf("Transport(%d)", uint8(t))
}

// Stream forwards the connections or datagrams that come to a port to endpoints, as they are.
type Stream struct {
	Transport Transport
	Port      uint16
	// Service is shown in dumps and logs.
	Service   ServiceRef
	Endpoints []Endpoint
	// AcceptProxy requires a PROXY protocol header at the start of each connection, SendProxy has endpoints get one. They are
	// for TCP only.
	AcceptProxy, SendProxy bool
	Limits                 StreamLimits
}

// StreamLimits bound a Stream. A zero is replaced by the proxy's default.
type StreamLimits struct {
	Idle     time.Duration // how long nothing may pass in either direction
	Attempts int           // how many endpoints are tried for a connection
	Trying   time.Duration // how long another one is tried after the first attempt has begun
	// Responses is how many datagrams are expected to answer one of the client: after them, a session has ended. 0 is no
	// number, and sessions last until they are idle.
	Responses int
}

// Equal reports whether two streams forward the same in the same way.
func (s Stream) Equal(other Stream) bool {
	return s.Transport == other.Transport && s.Port == other.Port && s.Service == other.Service && s.AcceptProxy == other.AcceptProxy &&
		s.SendProxy == other.SendProxy && s.Limits == other.Limits && slices.Equal(s.Endpoints, other.Endpoints)
}

// Text is the stream without its endpoints in one line: `tcp 9000 -> default/db:5432 sends-proxy idle=10m0s`.
func (s Stream) Text() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s %d -> %s", s.Transport, s.Port, s.Service)
	for _, flag := range []struct {
		name string
		set  bool
	}{{"accepts-proxy", s.AcceptProxy}, {"sends-proxy", s.SendProxy}} {
		if flag.set {
			text.WriteString(" " + flag.name)
		}
	}
	if s.Limits.Idle > 0 {
		fmt.Fprintf(&text, " idle=%s", s.Limits.Idle)
	}
	if s.Limits.Attempts > 0 {
		fmt.Fprintf(&text, " attempts=%d", s.Limits.Attempts)
	}
	if s.Limits.Trying > 0 {
		fmt.Fprintf(&text, " in %s", s.Limits.Trying)
	}
	if s.Limits.Responses > 0 {
		fmt.Fprintf(&text, " responses=%d", s.Limits.Responses)
	}
	return text.String()
}

// Passthrough forwards the TLS connections of a host to endpoints as they are: the endpoints have the certificate.
type Passthrough struct {
	Host      string // as in Table.Hosts, but not ""
	Service   ServiceRef
	Endpoints []Endpoint
}

// Equal reports whether two forward the connections of the same host to the same endpoints.
func (p Passthrough) Equal(other Passthrough) bool {
	return p.Host == other.Host && p.Service == other.Service && slices.Equal(p.Endpoints, other.Endpoints)
}

func (t *Table) validateStreams() (problems []error) {
	type port struct {
		transport Transport
		number    uint16
	}
	ports := make(map[port]bool, len(t.Streams))
	for _, s := range t.Streams {
		key := port{s.Transport, s.Port}
		if ports[key] {
			problems = append(problems, fmt.Errorf("%s port %d: duplicate; the first is served", s.Transport, s.Port))
		}
		ports[key] = true
	}
	hosts := make(map[string]bool, len(t.Passthroughs))
	for _, p := range t.Passthroughs {
		switch err := checkHostName(p.Host); {
		case err != nil:
			problems = append(problems, fmt.Errorf("passing on TLS of host %q: %w", p.Host, err))
		case p.Host == "" || hosts[p.Host]:
			problems = append(problems, fmt.Errorf("passing on TLS of host %q: duplicate or without name; it is left out", p.Host))
		}
		hosts[p.Host] = true
	}
	return problems
}

func writeStreams(out *bufio.Writer, t *Table) {
	for _, s := range t.Streams {
		fmt.Fprintln(out, s.Text())
		writeEndpoints(out, s.Endpoints)
	}
	for _, p := range t.Passthroughs {
		fmt.Fprintf(out, "pass on tls of %s -> %s\n", p.Host, p.Service)
		writeEndpoints(out, p.Endpoints)
	}
}
