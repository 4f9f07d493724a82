package match

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unsafe"

	"github.com/ingress-testbed/testbed/internal/regex"
	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// conditions are what a match requires of a request besides its path.
type conditions struct {
	method  string
	headers []condition // names in lower case; sorted
	query   []condition // sorted
}

// condition is one header or query parameter.
type condition struct {
	route.ValueMatch
	pattern *regex.Expression // nil if the value is compared as it is
}

// newConditions compiles the conditions of a match; nil if it has none.
func newConditions(m route.Match) (*conditions, error) {
	if m.Method == "" && len(m.Headers) == 0 && len(m.Query) == 0 {
		return nil, nil //nolint:nilnil // no conditions are a valid result, and the usual one
	}
	c := &conditions{method: m.Method}
	for _, header := range m.Headers {
		header.Name = strings.ToLower(header.Name)
		compiled, err := newCondition("header", header)
		if err != nil {
			return nil, err
		}
		c.headers = append(c.headers, compiled)
	}
	for _, parameter := range m.Query {
		compiled, err := newCondition("query parameter", parameter)
		if err != nil {
			return nil, err
		}
		c.query = append(c.query, compiled)
	}
	slices.SortFunc(c.headers, condition.compare)
	slices.SortFunc(c.query, condition.compare)
	return c, nil
}

func newCondition(kind string, v route.ValueMatch) (condition, error) {
	if v.Name == "" {
		return condition{}, fmt.Errorf("a %s to match has no name", kind)
	}
	if !v.Regex {
		return condition{ValueMatch: v}, nil
	}
	pattern, err := regex.CompileBetween(`^(?:`, v.Value, `)$`)
	if err != nil {
		return condition{}, fmt.Errorf("compiling the pattern of %s %q: %w", kind, v.Name, err)
	}
	return condition{ValueMatch: v, pattern: pattern}, nil
}

func (c condition) compare(other condition) int {
	regex := 0
	if c.Regex != other.Regex {
		regex = 1
		if other.Regex {
			regex = -1
		}
	}
	return cmp.Or(cmp.Compare(c.Name, other.Name), cmp.Compare(c.Value, other.Value), regex)
}

// equal reports whether two conditions match the same requests because they are written the same way.
func (c *conditions) equal(other *conditions) bool {
	same := func(a, b condition) bool { return a.ValueMatch == b.ValueMatch }
	return c.method == other.method && slices.EqualFunc(c.headers, other.headers, same) &&
		slices.EqualFunc(c.query, other.query, same)
}

// compare is positive if c is more specific: with a method, with more headers, with more query parameters (Gateway API,
// HTTPRoute, "matches").
func (c *conditions) compare(other *conditions) int {
	return cmp.Or(
		cmp.Compare(min(len(c.method), 1), min(len(other.method), 1)),
		cmp.Compare(len(c.headers), len(other.headers)),
		cmp.Compare(len(c.query), len(other.query)))
}

// meets reports whether the request satisfies all conditions.
func (c *conditions) meets(r *message.Request) bool {
	if c.method != "" && string(r.Method) != c.method {
		return false
	}
	for i := range c.headers {
		if !c.headers[i].inHeader(r.Fields) {
			return false
		}
	}
	for i := range c.query {
		if !c.query[i].inQuery(r.Query) {
			return false
		}
	}
	return true
}

// inHeader reports whether one of the field lines matches.
func (c *condition) inHeader(fields []message.Field) bool {
	for i := range fields {
		if message.EqualFold(fields[i].Name, c.Name) && c.matches(view(fields[i].Value)) {
			return true
		}
	}
	return false
}

func (c *condition) matches(value string) bool {
	if c.pattern != nil {
		return c.pattern.MatchString(value)
	}
	return value == c.Value
}

// inQuery reports whether the first parameter of the name matches. Parameters are separated by "&"; names and values are
// decoded as those of forms are (URL Standard, "application/x-www-form-urlencoded parsing").
func (c *condition) inQuery(query []byte) bool {
	for rest, more := view(query), true; more; {
		var pair string
		pair, rest, more = strings.Cut(rest, "&")
		name, value, _ := strings.Cut(pair, "=")
		if pair != "" && decoded(name) == c.Name {
			return c.matches(decoded(value))
		}
	}
	return false
}

// decoded returns text with its percent-encoded characters decoded and its plus signs replaced by spaces; text itself if
// it has neither. A percent sign that begins no encoding stays as it is.
func decoded(text string) string {
	if !strings.ContainsAny(text, "%+") {
		return text
	}
	dst := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '+':
			c = ' '
		case c == '%' && i+2 < len(text) && unhex(text[i+1]) >= 0 && unhex(text[i+2]) >= 0:
			c = byte(unhex(text[i+1])<<4 | unhex(text[i+2]))
			i += 2
		}
		dst = append(dst, c)
	}
	return string(dst)
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// view is text without copying: valid for as long as the bytes are not changed.
func view(text []byte) string {
	return unsafe.String(unsafe.SliceData(text), len(text))
}
