package exchange

import (
	"bytes"
	"net/http"
	"strconv"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/upstream"
	"github.com/ingress-testbed/testbed/proxy/urlpath"
)

// maxFollowed bounds the internal redirects of a request, as in nginx (NGX_HTTP_MAX_URI_CHANGES).
const maxFollowed = 10

// accel is what the X-Accel fields of endpoints have set for an exchange (quirk.Accel): see
// https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_ignore_headers.
type accel struct {
	followed int
	rate     int64 // of the body, in bytes a second, if setsRate
	setsRate bool
}

// take removes nginx's X-Accel fields from a reply, and returns the target of X-Accel-Redirect; nil without one. Two of the fields
// have no effect, because the proxy neither buffers nor caches replies; the character set remains that of Content-Type.
func (a *accel) take(reply *message.Response) (target []byte) {
	const prefix = "x-accel-"
	for i := range reply.Fields {
		field := &reply.Fields[i]
		if len(field.Name) <= len(prefix) || !message.EqualFold(field.Name[:len(prefix)], prefix) {
			continue
		}
		for _, name := range [...]string{"redirect", "limit-rate", "buffering", "expires", "charset"} {
			if !message.EqualFold(field.Name[len(prefix):], name) {
				continue
			}
			switch name {
			case "redirect":
				target = field.Value
			case "limit-rate":
				a.limit(field.Value)
			}
			reply.RemoveName(prefix + name)
		}
	}
	return target
}

// limit sets the rate of the body from a field, unless the value is invalid.
func (a *accel) limit(value []byte) {
	if rate, err := strconv.ParseInt(string(value), 10, 64); err == nil && rate >= 0 {
		a.rate, a.setsRate = rate, true
	}
}

// follow follows an internal redirect: the reply is replaced by the answer to a GET or HEAD request for the target on the same
// host, to which all policies of that route apply. The client also gets the cookies of the reply that is replaced.
func (x *exchange) follow(target []byte, reply upstream.Reply) (reusable bool) {
	x.accel.followed++
	target, valid := localTarget(target)
	var cookies []byte
	for i := range reply.Header().Fields {
		if field := &reply.Header().Fields[i]; message.EqualFold(field.Name, "set-cookie") && field.IsForwarded() {
			cookies = policy.AppendLine(cookies, "Set-Cookie", string(field.Value))
		}
	}
	_ = reply.Close() // it is replaced
	switch {
	case !valid:
		return x.reply(http.StatusNotFound, "X-Accel-Redirect of the endpoint names no path")
	case x.accel.followed > maxFollowed:
		return x.reply(http.StatusInternalServerError, "X-Accel-Redirect leads in a circle")
	}
	method := []byte(http.MethodGet)
	if string(x.message.Method) == http.MethodHead {
		method = []byte(http.MethodHead)
	}
	request := new(message.Request)
	x.message.Subrequest(request, method)
	request.SetTarget(target)
	x.message = request
	x.request.Release()
	traced := x.request.Events
	x.beginRequest()
	if traced != nil {
		clear(traced) // the events of the former route's policies
		x.request.Events = traced
	}
	x.request.ReplyLines = append(x.request.ReplyLines, cookies...)
	x.call.Begin()
	return x.answer()
}

// localTarget normalises a target in origin form, which an endpoint has written and another endpoint gets.
func localTarget(text []byte) (target []byte, valid bool) {
	path, query, hasQuery := bytes.Cut(text, []byte{'?'})
	target, err := urlpath.AppendNormal(nil, bytes.ReplaceAll(path, []byte{' '}, []byte("%20")))
	if err != nil || bytes.ContainsAny(query, " \t#") {
		return nil, false
	}
	if hasQuery {
		target = append(append(target, '?'), query...)
	}
	return target, true
}
