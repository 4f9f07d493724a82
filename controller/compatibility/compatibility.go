// Package compatibility is the list of differences between what ingress-nginx does and what its users need. By default
// the controller does the latter; in the mode ingress-nginx it reproduces the former, so that it can be compared with
// other controllers in place of the one that is no longer maintained. The document docs/compatibility.md is generated
// from the list.
package compatibility

import "fmt"

// Mode is which side of the differences the controller is on.
type Mode uint8

// The modes.
const (
	Mend         Mode = iota // what users need
	IngressNginx             // what ingress-nginx does
)

// Reproduces reports whether the mode reproduces what ingress-nginx does. The difference is named for the reader, and to
// find the code of a row.
func (m Mode) Reproduces(Difference) bool { return m == IngressNginx }

// String is "mend" or "ingress-nginx".
func (m Mode) String() string {
	if m == IngressNginx {
		return "ingress-nginx"
	}
	return "mend"
}

// Set reads a mode as String writes it; it makes Mode a pflag.Value.
func (m *Mode) Set(text string) error {
	switch text {
	case "mend":
		*m = Mend
	case "ingress-nginx":
		*m = IngressNginx
	default:
		return fmt.Errorf("unknown mode %q: give mend or ingress-nginx", text)
	}
	return nil
}

// Type implements pflag.Value.
func (m *Mode) Type() string { return "mode" }

// UnmarshalText reads a mode from a file of settings.
func (m *Mode) UnmarshalText(text []byte) error { return m.Set(string(text)) }
