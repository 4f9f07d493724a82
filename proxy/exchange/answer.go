package exchange

import (
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/urlpath"
)

// answer routes the request and runs the route's action.
func (x *exchange) answer() (reusable bool) {
	if reply, answered := x.find(); answered {
		return x.reply(reply.Status, reply.Reason)
	}
	return x.act()
}

// find finds the route of the request, unless the proxy answers without one.
func (x *exchange) find() (reply policy.Reply, answered bool) {
	if x.message.Asterisk || x.message.MaxForwards() == 0 {
		return policy.Reply{Status: 200}, true
	}
	var err error
	if x.request.Path, err = urlpath.AppendNormal(x.request.Path[:0], x.message.Path); err != nil {
		return policy.Reply{Status: 400, Reason: err.Error()}, true
	}
	if x.request.Decoded, err = urlpath.AppendDecoded(x.request.Decoded[:0], x.message.Path); err != nil {
		return policy.Reply{Status: 400, Reason: err.Error()}, true
	}
	if x.table.Settings().RawPaths {
		x.request.Path = append(x.request.Path[:0], x.message.Path...)
	}
	x.request.Host = appendHostName(x.request.Host[:0], x.message.Host)
	x.route = x.table.Find(&x.request)
	if x.table.IsHealthCheck(&x.request, x.route) {
		x.route = nil
		return policy.Reply{Status: 200, Reason: "health check"}, true
	}
	return policy.Reply{}, false
}

// act runs the action of the route that was found.
func (x *exchange) act() (reusable bool) {
	x.request.Authority = x.identity.Host
	if string(x.identity.Host) != string(x.message.Host) { // redirects lead to the host that the client has asked for
		x.request.Host = appendHostName(x.request.Host[:0], x.identity.Host)
	}
	if x.route == nil {
		x.table.Unrouted.Reply(&x.request, nil)
		if limit := x.table.Unrouted.Settings.BodyLimit; limit > 0 && x.message.Length > limit {
			return x.reply(413, "the body is too large")
		}
		return x.reply(404, "no route")
	}
	x.request.Pattern = x.route.Pattern
	if reply, answered := x.route.Answer(&x.request); answered {
		return x.reply(reply.Status, reply.Reason)
	}
	if limit := x.bodyLimit(); limit > 0 && x.message.Length > limit {
		return x.reply(413, "the body is too large")
	}
	x.selection = x.table.Select(x.route, &x.request)
	if reply, denied := x.selection.Denied(); denied {
		return x.reply(reply.Status, reply.Reason)
	}
	if x.selection.Endpoint < 0 {
		if reusable, served := x.serveUnavailable(); served {
			return reusable
		}
		return x.reply(503, "the upstream has no endpoint")
	}
	return x.forward()
}

// bodyLimit is the largest request body in bytes; 0 is none.
func (x *exchange) bodyLimit() int64 {
	if own := x.route.Chain.Settings.BodyLimit; own > 0 {
		return own
	}
	return x.options.BodyLimit
}

// appendHostName appends the host of an authority in lower case, without port and final dot.
func appendHostName(dst, authority []byte) []byte {
	start := len(dst)
	for i, c := range authority {
		if c == ':' && (authority[0] != '[' || authority[i-1] == ']') {
			break
		}
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	if last := len(dst) - 1; last > start && dst[last] == '.' {
		dst = dst[:last]
	}
	return dst
}
