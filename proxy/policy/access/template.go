package access

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/policy/variable"
)

// template is a text with variables of nginx, such as "$host" or "${http_x_user}".
type template []segment

// segment is a literal text or a variable. The variables http_, cookie_ and arg_ have a name behind them.
type segment struct {
	text     string // literal, or the name of the variable without its family
	variable string // "" for a literal; for a family its prefix
}

// CheckTemplate returns an error if a text has variables that are not known. They are request_uri, escaped_request_uri,
// uri, args, query_string, is_args, host, http_host, best_http_host, scheme, pass_access_scheme, remote_addr,
// remote_user, request_method, request_id, req_id, http_NAME, cookie_NAME and arg_NAME.
func CheckTemplate(text string) error {
	_, err := parseTemplate(text)
	return err
}

func parseTemplate(text string) (template, error) {
	var t template
	for text != "" {
		literal, rest, found := strings.Cut(text, "$")
		if literal != "" {
			t = append(t, segment{text: literal})
		}
		if !found {
			break
		}
		name, after, ok := variable.CutName(rest)
		if !ok {
			return nil, fmt.Errorf("a $ is not followed by the name of a variable")
		}
		added, err := newVariable(name)
		if err != nil {
			return nil, err
		}
		t, text = append(t, added), after
	}
	return t, nil
}

func newVariable(name string) (segment, error) {
	for _, family := range []string{"http_", "cookie_", "arg_"} {
		if rest, found := strings.CutPrefix(name, family); found && rest != "" && !isVariable(name) {
			if family == "http_" {
				rest = strings.ReplaceAll(rest, "_", "-")
			}
			return segment{variable: family, text: rest}, nil
		}
	}
	if !isVariable(name) {
		return segment{}, fmt.Errorf("the variable $%s is not supported", name)
	}
	return segment{variable: name}, nil
}

func isVariable(name string) bool {
	return slices.Contains([]string{
		"request_uri", "escaped_request_uri", "uri", "args", "query_string", "is_args", "host", "http_host",
		"best_http_host", "scheme", "pass_access_scheme", "remote_addr", "remote_user", "request_method", "request_id",
		"req_id",
	}, name)
}

// text is the text for a request.
func (t template) text(r *policy.Request) (dst []byte) {
	for _, s := range t {
		if s.variable == "" {
			dst = append(dst, s.text...)
			continue
		}
		dst = s.appendValue(dst, r)
	}
	return dst
}

func (s segment) appendValue(dst []byte, r *policy.Request) []byte {
	m := r.Message
	switch s.variable {
	case "request_uri":
		return variable.AppendTarget(dst, m)
	case "escaped_request_uri":
		return variable.AppendEscaped(dst, variable.AppendTarget(nil, m))
	case "uri":
		return append(dst, r.Path...)
	case "args", "query_string":
		return append(dst, m.Query...)
	case "is_args":
		if len(m.Query) > 0 {
			dst = append(dst, '?')
		}
		return dst
	case "host":
		return append(dst, r.Host...)
	case "http_host", "best_http_host":
		return append(dst, m.Host...)
	case "scheme", "pass_access_scheme":
		return append(dst, r.Scheme...)
	case "remote_addr":
		return r.Client.AppendTo(dst)
	case "remote_user":
		sent, _ := m.Lookup(authorization)
		user, _, _ := parseBasic(sent)
		return append(dst, user...)
	case "request_method":
		return append(dst, m.Method...)
	case "request_id", "req_id":
		return append(dst, r.ID...)
	}
	return s.appendNamed(dst, m)
}

// appendNamed appends the value of a field, cookie or query parameter.
func (s segment) appendNamed(dst []byte, m *message.Request) []byte {
	switch s.variable {
	case "http_":
		value, _ := m.Lookup(s.text)
		return append(dst, value...)
	case "cookie_":
		return append(dst, pairValue(string(m.Value(message.Cookie)), ";", s.text)...)
	}
	return append(dst, pairValue(string(m.Query), "&", s.text)...)
}

// pairValue is the value of the first "name=value" of a list.
func pairValue(list, separator, name string) string {
	for pair := range strings.SplitSeq(list, separator) {
		if key, value, found := strings.Cut(strings.TrimSpace(pair), "="); found && key == name {
			return value
		}
	}
	return ""
}
