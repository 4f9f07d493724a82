package accesslog

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ingress-testbed/testbed/proxy/policy/variable"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Format is a compiled log format of nginx: a text with variables, which are escaped. Writing an entry allocates nothing.
type Format struct {
	escape   route.Escape
	segments []segment
}

// segment is a literal text or a variable.
type segment struct {
	text string // the literal, or the name of a variable's field, cookie or parameter
	// value appends the value of a variable; nil for a literal.
	value func(b []byte, entry *Entry, name string) []byte
}

// ParseFormat reads a format. It fails if a variable is not supported.
func ParseFormat(text string, escape route.Escape) (*Format, error) {
	format := &Format{escape: escape}
	for text != "" {
		literal, rest, found := strings.Cut(text, "$")
		if literal != "" {
			format.segments = append(format.segments, segment{text: literal})
		}
		if !found {
			break
		}
		name, after, ok := variable.CutName(rest)
		if !ok {
			return nil, fmt.Errorf("a $ is not followed by the name of a variable")
		}
		made, ok := newSegment(name)
		if !ok {
			return nil, fmt.Errorf("the variable $%s is not supported", name)
		}
		format.segments, text = append(format.segments, made), after
	}
	return format, nil
}

func newSegment(name string) (segment, bool) {
	if value := values()[name]; value != nil {
		return segment{text: name, value: value}, true
	}
	for family, value := range families() {
		if rest, found := strings.CutPrefix(name, family); found && rest != "" {
			return segment{text: rest, value: value}, true
		}
	}
	return segment{}, false
}

// append appends an entry and a line feed.
func (f *Format) append(b []byte, entry *Entry) []byte {
	for i := range f.segments {
		s := &f.segments[i]
		if s.value == nil {
			b = append(b, s.text...)
			continue
		}
		start := len(b)
		b = s.value(b, entry, s.text)
		b = f.escaped(b, start)
	}
	return append(b, '\n')
}

// escaped escapes what was appended from start on. A value that has nothing to escape, as most, is left where it is.
func (f *Format) escaped(b []byte, start int) []byte {
	value := b[start:]
	if len(value) == 0 {
		if f.escape == route.EscapeDefault {
			b = append(b, '-')
		}
		return b
	}
	unsafe := isUnsafe
	switch f.escape {
	case route.EscapeNone:
		unsafe = func(c byte) bool { return c == '\n' } // an entry is one line
	case route.EscapeJSON:
		unsafe = isUnsafeJSON
	case route.EscapeDefault:
	}
	if !slices.ContainsFunc(value, unsafe) {
		return b
	}
	end := len(b)
	for i := start; i < end; i++ { // the escaped value behind the raw one, and then in its place
		b = f.appendByte(b, b[i], unsafe)
	}
	n := copy(b[start:], b[end:])
	return b[:start+n]
}

func (f *Format) appendByte(b []byte, c byte, unsafe func(byte) bool) []byte {
	switch {
	case !unsafe(c):
		return append(b, c)
	case f.escape == route.EscapeNone:
		return append(b, ' ')
	case f.escape == route.EscapeDefault:
		const upper = "0123456789ABCDEF"
		return append(b, '\\', 'x', upper[c>>4], upper[c&15])
	case c == '"' || c == '\\':
		return append(b, '\\', c)
	case c == '\n':
		return append(b, `\n`...)
	case c == '\r':
		return append(b, `\r`...)
	case c == '\t':
		return append(b, `\t`...)
	}
	return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}

func isUnsafe(c byte) bool     { return c < ' ' || c >= 0x7f || c == '"' || c == '\\' }
func isUnsafeJSON(c byte) bool { return c < ' ' || c == '"' || c == '\\' }

// appendMillis appends seconds with milliseconds, as nginx writes times.
func appendMillis(b []byte, d time.Duration) []byte {
	millis := max(d.Milliseconds(), 0)
	b = strconv.AppendInt(b, millis/1000, 10)
	rest := millis % 1000
	return append(b, '.', byte('0'+rest/100), byte('0'+rest/10%10), byte('0'+rest%10))
}
