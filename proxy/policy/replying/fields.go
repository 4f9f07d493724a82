package replying

import (
	"fmt"
	"strings"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Field sets a field of replies, the proxy's own included, in the place of an endpoint's.
type Field struct {
	Name, Value string
}

// Stage implements policy.Policy.
func (Field) Stage() policy.Stage { return policy.Replying }

// Text implements route.Policy.
func (p Field) Text() string { return fmt.Sprintf("reply field %s: %q", p.Name, p.Value) }

// Equal implements route.Policy.
func (p Field) Equal(other route.Policy) bool { return other == route.Policy(p) }

// Bind implements policy.Binder.
func (p Field) Bind(*policy.Binding) (hooks any, err error) {
	return &boundField{field: p, lower: strings.ToLower(p.Name)}, nil
}

type boundField struct {
	field Field
	lower string
}

// Reply implements policy.ReplyPolicy.
func (f *boundField) Reply(r *policy.Request, reply *message.Response) {
	if reply != nil {
		reply.RemoveName(f.lower)
	}
	r.AddReplyHeader(f.field.Name, f.field.Value)
}

// Hide takes a field out of endpoints' replies.
type Hide struct {
	Name string // in lower case
}

// Stage implements policy.Policy.
func (Hide) Stage() policy.Stage { return policy.Replying }

// Text implements route.Policy.
func (p Hide) Text() string { return "hide reply field " + p.Name }

// Equal implements route.Policy.
func (p Hide) Equal(other route.Policy) bool { return other == route.Policy(p) }

// Reply implements policy.ReplyPolicy.
func (p Hide) Reply(_ *policy.Request, reply *message.Response) {
	if reply != nil {
		reply.RemoveName(p.Name)
	}
}
