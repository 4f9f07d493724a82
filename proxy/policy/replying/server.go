package replying

import (
	"fmt"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Server names the proxy in replies (Server, RFC 9110 section 10.2.4), as ingress-nginx does with server-tokens.
type Server struct {
	Name string
	// KeepEndpoints leaves endpoints' own names.
	KeepEndpoints bool
}

// Stage implements policy.Policy.
func (Server) Stage() policy.Stage { return policy.Replying }

// Text implements route.Policy.
func (p Server) Text() string {
	if p.KeepEndpoints {
		return fmt.Sprintf("server name %s where endpoints send none", p.Name)
	}
	return "server name " + p.Name
}

// Equal implements route.Policy.
func (p Server) Equal(other route.Policy) bool { return other == route.Policy(p) }

// Reply implements policy.ReplyPolicy.
func (p Server) Reply(r *policy.Request, reply *message.Response) {
	if reply != nil && reply.Value("server") != nil {
		if p.KeepEndpoints {
			return
		}
		reply.RemoveName("server")
	}
	r.AddReplyHeader("Server", p.Name)
}
