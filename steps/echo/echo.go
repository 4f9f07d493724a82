// Package echo parses the responses of the walkthroughs' echo server, which describe the Pod, the client and the request
// that the server received.
package echo

import (
	"fmt"
	"strings"
)

// Names of fields that steps use; see Reply.
const (
	Hostname      = "Hostname"
	ServerVersion = "server_version"
	ClientAddress = "client_address"
	RequestBody   = "body"
)

// Reply is a parsed response.
type Reply struct {
	// Fields by name, without the request headers: "Hostname", "server_version", "client_address", "method",
	// "real path", "query", "request_version", "request_uri" and "body".
	Fields map[string]string
	// Headers are the values of the request headers by name in lower case.
	Headers map[string][]string
}

// Headings of the sections.
const (
	sectionPod     = "Pod Information"
	sectionServer  = "Server values"
	sectionRequest = "Request Information"
	sectionHeaders = "Request Headers"
	sectionBody    = "Request Body"
)

// Parse parses a response. It is an error if the response has no Hostname or no client_address.
func Parse(text string) (Reply, error) {
	reply := Reply{Fields: map[string]string{}, Headers: map[string][]string{}}
	section := ""
	for number, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		content, indented := strings.CutPrefix(line, "\t")
		switch {
		case section == sectionBody:
			reply.addBody(line)
		case strings.TrimSpace(line) == "":
		case !indented:
			name, value, isField := strings.Cut(line, ":")
			if !isField {
				return Reply{}, fmt.Errorf("line %d of the echo server's response is neither a heading nor a field: %q", number+1, line)
			}
			if section = name; name == Hostname {
				reply.Fields[Hostname] = strings.TrimSpace(value)
			}
		case section == sectionPod:
		default:
			if err := reply.add(section, content); err != nil {
				return Reply{}, fmt.Errorf("line %d of the echo server's response: %w", number+1, err)
			}
		}
	}
	if reply.Fields[Hostname] == "" || reply.Fields[ClientAddress] == "" {
		return Reply{}, fmt.Errorf("not the response of an echo server, which has a Hostname and a client_address: %.200q", text)
	}
	return reply, nil
}

func (r *Reply) add(section, line string) error {
	name, value, ok := strings.Cut(line, "=")
	if !ok {
		return fmt.Errorf("%q does not contain =", line)
	}
	switch section {
	case sectionServer, sectionRequest:
		r.Fields[name] = value
	case sectionHeaders:
		r.Headers[name] = append(r.Headers[name], value)
	default:
		return fmt.Errorf("%q is in the unknown section %q", line, section)
	}
	return nil
}

func (r *Reply) addBody(line string) {
	if line == "\t-no body in request-" {
		return
	}
	if body, ok := r.Fields[RequestBody]; ok {
		line = body + "\n" + line
	}
	r.Fields[RequestBody] = line
}

// Value returns the field of that name or else the request header.
func (r Reply) Value(name string) (string, bool) {
	if value, ok := r.Fields[name]; ok {
		return value, true
	}
	values, ok := r.Headers[strings.ToLower(name)]
	return strings.Join(values, ", "), ok
}
