package access

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/policy"
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
		name, after, ok := cutVariable(rest)
		if !ok {
			return nil, fmt.Errorf("a $ is not followed by the name of a variable")
		}
		variable, err := newVariable(name)
		if err != nil {
			return nil, err
		}
		t, text = append(t, variable), after
	}
	return t, nil
}

func cutVariable(text string) (name, after string, ok bool) {
	if inner, found := strings.CutPrefix(text, "{"); found {
		name, after, ok = strings.Cut(inner, "}")
		return name, after, ok && name != ""
	}
	end := strings.IndexFunc(text, func(c rune) bool { return c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') })
	if end < 0 {
		end = len(text)
	}
	return text[:end], text[end:], end > 0
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
		return appendTarget(dst, m)
	case "escaped_request_uri":
		return appendEscaped(dst, appendTarget(nil, m))
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

func appendTarget(dst []byte, m *message.Request) []byte {
	dst = append(dst, m.Path...)
	if m.HasQuery {
		dst = append(append(dst, '?'), m.Query...)
	}
	return dst
}

// appendEscaped encodes all characters but those that are unreserved (RFC 3986 section 2.3).
func appendEscaped(dst, text []byte) []byte {
	const digits = "0123456789ABCDEF"
	for _, c := range text {
		if '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' && c < 0x80 || strings.IndexByte("-._~", c) >= 0 {
			dst = append(dst, c)
			continue
		}
		dst = append(dst, '%', digits[c>>4], digits[c&15])
	}
	return dst
}
