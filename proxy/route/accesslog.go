package route

import (
	"fmt"
	"slices"
)

// AccessLog is which requests are logged, and how. With the zero value all are, each as a JSON object.
type AccessLog struct {
	Off bool
	// Skip are request targets that are not logged: texts that are compared without regard to case, or, after "~" or "~*",
	// regular expressions (package regex), the latter without regard to case.
	Skip []string
	// Format is a text with nginx variables, one line for each request; "" is a JSON object.
	Format string
	Escape Escape
}

// Escape is how the values of variables are escaped in a format.
type Escape uint8

// The kinds of escaping, with nginx's names.
const (
	EscapeDefault Escape = iota // quotation marks, backslashes and control characters as \xXX; what is empty as -
	EscapeJSON                  // as in JSON strings
	EscapeNone
)

// Equal reports whether the same requests are logged in the same way.
func (a AccessLog) Equal(other AccessLog) bool {
	return a.Off == other.Off && a.Format == other.Format && a.Escape == other.Escape && slices.Equal(a.Skip, other.Skip)
}

// text is the line of the table's text; "" for the zero value.
func (a AccessLog) text() string {
	var text string
	if a.Off {
		text += " off"
	}
	if a.Format != "" {
		text += fmt.Sprintf(" format %q", a.Format)
	}
	if name := [...]string{EscapeDefault: "", EscapeJSON: " escape=json", EscapeNone: " escape=none"}; int(a.Escape) < len(name) {
		text += name[a.Escape]
	}
	if len(a.Skip) > 0 {
		text += fmt.Sprintf(" without %q", a.Skip)
	}
	if text == "" {
		return ""
	}
	return "access log" + text
}
