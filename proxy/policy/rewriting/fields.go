package rewriting

import (
	"fmt"
	"strings"

	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/policy/variable"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Field sets a field that endpoints get, in the place of the client's own. An empty value takes the field out.
type Field struct {
	Name  string
	Value string // text with variables
}

// Stage implements policy.Policy.
func (Field) Stage() policy.Stage { return policy.Rewriting }

// Text implements route.Policy.
func (p Field) Text() string { return fmt.Sprintf("request field %s: %q", p.Name, p.Value) }

// Equal implements route.Policy.
func (p Field) Equal(other route.Policy) bool { return other == route.Policy(p) }

// Bind implements policy.Binder.
func (p Field) Bind(*policy.Binding) (hooks any, err error) {
	value, err := variable.Parse(p.Value)
	if err != nil {
		return nil, fmt.Errorf("the value of the field %s: %w", p.Name, err)
	}
	return &boundField{name: p.Name, lower: strings.ToLower(p.Name), value: value}, nil
}

type boundField struct {
	name, lower string
	value       variable.Template
}

// Request implements policy.RequestPolicy.
func (f *boundField) Request(r *policy.Request) (reply policy.Reply, answered bool) {
	r.Message.RemoveName(f.lower)
	if len(f.value) == 0 {
		return policy.Reply{}, false
	}
	dst := append(append(r.RequestLines, f.name...), ':', ' ')
	start := len(dst)
	dst = f.value.Append(dst, r)
	policy.Clean(dst[start:])
	r.RequestLines = append(dst, '\r', '\n')
	return policy.Reply{}, false
}
