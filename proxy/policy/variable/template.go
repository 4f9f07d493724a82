// Package variable fills in nginx's variables, such as "$host" or "${http_x_user}", from a request.
package variable

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ingress-testbed/testbed/proxy/balance"
	"github.com/ingress-testbed/testbed/proxy/basicauth"
	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/policy"
)

// Template is a text with variables: request_uri, escaped_request_uri, uri, document_uri, args, query_string, is_args, host,
// http_host, best_http_host, scheme, pass_access_scheme, remote_addr, the_real_ip, binary_remote_addr, remote_user,
// request_method, request_id, req_id, http_NAME, cookie_NAME and arg_NAME.
type Template []segment

// segment is a literal text or a variable. The variables http_, cookie_ and arg_ have a name behind them.
type segment struct {
	text     string // literal, or the name of the variable without its family
	variable string // "" for a literal; for a family its prefix
}

// Check returns an error if a text has variables that are not supported; Template lists those that are.
func Check(text string) error {
	_, err := Parse(text)
	return err
}

// known are the variables that have no name behind them.
func known() []string {
	return []string{
		"request_uri", "escaped_request_uri", "uri", "document_uri", "args", "query_string", "is_args", "host", "http_host",
		"best_http_host", "scheme", "pass_access_scheme", "remote_addr", "the_real_ip", "binary_remote_addr", "remote_user",
		"request_method", "request_id", "req_id",
	}
}

// Parse reads a text. It fails if a variable is not supported.
func Parse(text string) (Template, error) {
	var t Template
	for text != "" {
		literal, rest, found := strings.Cut(text, "$")
		if literal != "" {
			t = append(t, segment{text: literal})
		}
		if !found {
			break
		}
		name, after, ok := CutName(rest)
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

// encodedPath is the variable that uri is in texts of ParseURL.
const encodedPath = "uri, encoded"

// ParseURL is Parse for text that becomes part of a URL: $uri is the path as backends get it, encoded. nginx's is decoded,
// and may have a space or a question mark.
func ParseURL(text string) (Template, error) {
	t, err := Parse(text)
	for i := range t {
		if t[i].variable == "uri" || t[i].variable == "document_uri" {
			t[i].variable = encodedPath
		}
	}
	return t, err
}

// CutName cuts the name of a variable, perhaps in braces, off the text behind a dollar sign.
func CutName(text string) (name, after string, ok bool) {
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
	if slices.Contains(known(), name) {
		return segment{variable: name}, nil
	}
	for _, family := range []string{"http_", "cookie_", "arg_"} {
		if rest, found := strings.CutPrefix(name, family); found && rest != "" {
			if family == "http_" {
				rest = strings.ReplaceAll(rest, "_", "-")
			}
			return segment{variable: family, text: rest}, nil
		}
	}
	return segment{}, fmt.Errorf("the variable $%s is not supported", name)
}

// Append appends the text for a request.
func (t Template) Append(dst []byte, r *policy.Request) []byte {
	for i := range t {
		if t[i].variable == "" {
			dst = append(dst, t[i].text...)
			continue
		}
		dst = t[i].appendValue(dst, r)
	}
	return dst
}

// AppendURL is Append for text that becomes part of a URL: spaces and control characters, which could end a request line,
// are encoded.
func (t Template) AppendURL(dst []byte, r *policy.Request) []byte {
	start := len(dst)
	dst = t.Append(dst, r)
	if !slices.ContainsFunc(dst[start:], endsURL) {
		return dst
	}
	text := slices.Clone(dst[start:])
	dst = dst[:start]
	for _, c := range text {
		if endsURL(c) {
			dst = append(dst, '%', hexDigits[c>>4], hexDigits[c&15])
			continue
		}
		dst = append(dst, c)
	}
	return dst
}

func endsURL(c byte) bool { return c <= ' ' || c == 0x7f }

func (s *segment) appendValue(dst []byte, r *policy.Request) []byte {
	m := r.Message
	switch s.variable {
	case "request_uri":
		return AppendTarget(dst, m)
	case "escaped_request_uri":
		return AppendEscaped(dst, AppendTarget(nil, m))
	case "uri", "document_uri":
		return append(dst, r.Decoded...)
	case encodedPath:
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
	case "http_host":
		return append(dst, m.Host...)
	case "best_http_host":
		return append(dst, r.Authority...)
	case "scheme", "pass_access_scheme":
		return append(dst, r.Scheme...)
	case "remote_addr", "the_real_ip", "binary_remote_addr":
		return r.Client.AppendTo(dst)
	case "remote_user":
		sent, _ := m.Lookup("authorization")
		user, _, _ := basicauth.Parse(sent)
		return append(dst, user...)
	case "request_method":
		return append(dst, m.Method...)
	case "request_id", "req_id":
		return append(dst, r.ID...)
	}
	return s.appendNamed(dst, m)
}

// appendNamed appends the value of a field, cookie or query parameter.
func (s *segment) appendNamed(dst []byte, m *message.Request) []byte {
	switch s.variable {
	case "http_":
		value, _ := m.Lookup(s.text)
		return append(dst, value...)
	case "cookie_":
		value, _ := balance.Cookie(m, s.text)
		return append(dst, value...)
	}
	return append(dst, parameter(m.Query, s.text)...)
}

// parameter is the value of the first parameter of a name, as it is written.
func parameter(query []byte, name string) []byte {
	for len(query) > 0 {
		end := slices.Index(query, '&')
		if end < 0 {
			end = len(query)
		}
		if pair := query[:end]; len(pair) > len(name) && pair[len(name)] == '=' && string(pair[:len(name)]) == name {
			return pair[len(name)+1:]
		}
		query = query[min(end+1, len(query)):]
	}
	return nil
}

// AppendTarget appends the target of a request: its path as the client has sent it, and the query.
func AppendTarget(dst []byte, m *message.Request) []byte {
	dst = append(dst, m.Path...)
	if m.HasQuery {
		dst = append(append(dst, '?'), m.Query...)
	}
	return dst
}

const hexDigits = "0123456789ABCDEF"

// AppendEscaped appends a text and encodes all characters but those that are unreserved (RFC 3986 section 2.3).
func AppendEscaped(dst, text []byte) []byte {
	for _, c := range text {
		if '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' && c < 0x80 || strings.IndexByte("-._~", c) >= 0 {
			dst = append(dst, c)
			continue
		}
		dst = append(dst, '%', hexDigits[c>>4], hexDigits[c&15])
	}
	return dst
}
