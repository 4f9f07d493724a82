// Package compatibility is the list of intended differences from ingress-nginx, where its behaviour is harmful to its users. By
// default the controller corrects that behaviour; in the mode ingress-nginx it reproduces it, so that other controllers can be
// compared with it instead of with ingress-nginx, which is no longer maintained. The document docs/compatibility.md is generated
// from the list.
package compatibility

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Mode is the set of differences that are reproduced.
type Mode uint64

// The modes that users choose from.
const (
	Mend         Mode = 0              // what users need
	IngressNginx Mode = math.MaxUint64 // what ingress-nginx does
)

// Reproduces reports whether the mode reproduces what ingress-nginx does in a difference.
func (m Mode) Reproduces(d Difference) bool {
	return m == IngressNginx || m != Mend && m&bit(d) != 0
}

// Without returns the mode that doesn't reproduce a difference, to see the effect of that difference.
func (m Mode) Without(d Difference) Mode { return m &^ bit(d) }

// bit is that of a difference, by its row; 0 if it has none.
func bit(d Difference) Mode {
	at := slices.IndexFunc(Rows(), func(row Row) bool { return row.Difference == d })
	if at < 0 {
		return 0
	}
	return 1 << at
}

// String is "mend", "ingress-nginx", or "ingress-nginx without …" with the differences that are not reproduced.
func (m Mode) String() string {
	switch m {
	case IngressNginx:
		return "ingress-nginx"
	case Mend:
		return "mend"
	}
	var missing []string
	for _, row := range Rows() {
		if !m.Reproduces(row.Difference) {
			missing = append(missing, string(row.Difference))
		}
	}
	return "ingress-nginx without " + strings.Join(missing, ", ")
}

// Set reads one of the modes that users choose from; it makes Mode a pflag.Value.
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
