// Package echo reads the text with which the walkthrough's echo server answers: who it is, who asked, and the request
// as it arrived.
package echo

import (
	"fmt"
	"strings"
)

// Fields that are not request headers, by the names that the text gives them.
const (
	Hostname      = "Hostname"
	ClientAddress = "client_address"
	RequestBody   = "body"
)

// Reply is what an echo server said.
type Reply struct {
	// Fields are all but the request headers, by name: "Hostname", "server_version", "client_address", "method",
	// "real path", "query", "request_version", "request_uri" and "body".
	Fields map[string]string
	// Headers are the request headers by name in lower case, in the order in which they are given for each name.
	Headers map[string][]string
}

// section headings of the text.
const (
	sectionPod     = "Pod Information"
	sectionServer  = "Server values"
	sectionRequest = "Request Information"
	sectionHeaders = "Request Headers"
	sectionBody    = "Request Body"
)

// Parse reads an echo server's text.
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
				return Reply{}, fmt.Errorf("line %d of the echo server's text, %q, is neither a heading nor a field", number+1, line)
			}
			if section = name; name == Hostname {
				reply.Fields[Hostname] = strings.TrimSpace(value)
			}
		case section == sectionPod:
		default:
			if err := reply.add(section, content); err != nil {
				return Reply{}, fmt.Errorf("line %d of the echo server's text: %w", number+1, err)
			}
		}
	}
	if reply.Fields[Hostname] == "" || reply.Fields[ClientAddress] == "" {
		return Reply{}, fmt.Errorf("this is not an echo server's text, which names a Hostname and a client_address: %.200q", text)
	}
	return reply, nil
}

func (r *Reply) add(section, line string) error {
	name, value, ok := strings.Cut(line, "=")
	if !ok {
		return fmt.Errorf("%q has no =", line)
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

// Value looks a name up among the fields and then among the request headers.
func (r Reply) Value(name string) (string, bool) {
	if value, ok := r.Fields[name]; ok {
		return value, true
	}
	values, ok := r.Headers[strings.ToLower(name)]
	return strings.Join(values, ", "), ok
}
