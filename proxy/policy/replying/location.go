package replying

import (
	"bytes"
	"fmt"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Location replaces the beginning of the URL that endpoints redirect to, in Location (RFC 9110 section 10.2.2) and Refresh.
type Location struct {
	From, To string
}

// Stage implements policy.Policy.
func (Location) Stage() policy.Stage { return policy.Replying }

// Text implements route.Policy.
func (p Location) Text() string { return fmt.Sprintf("locations %q to %q", p.From, p.To) }

// Equal implements route.Policy.
func (p Location) Equal(other route.Policy) bool { return other == route.Policy(p) }

// Reply implements policy.ReplyPolicy.
func (p Location) Reply(r *policy.Request, reply *message.Response) {
	if reply == nil {
		return
	}
	if value := reply.Value("location"); bytes.HasPrefix(value, []byte(p.From)) {
		r.ReplyLines = p.appendField(r.ReplyLines, "Location: ", value, 0)
		reply.RemoveName("location")
	}
	value := reply.Value("refresh")
	if at := bytes.Index(value, []byte("url=")); at >= 0 && bytes.HasPrefix(value[at+4:], []byte(p.From)) {
		r.ReplyLines = p.appendField(r.ReplyLines, "Refresh: ", value, at+4)
		reply.RemoveName("refresh")
	}
}

// appendField appends a field whose URL begins at an offset of the value.
func (p Location) appendField(dst []byte, name string, value []byte, index int) []byte {
	dst = append(dst, name...)
	dst = append(dst, value[:index]...)
	dst = append(dst, p.To...)
	dst = append(dst, value[index+len(p.From):]...)
	return append(dst, '\r', '\n')
}
