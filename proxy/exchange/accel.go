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

// maxFollowed is how often endpoints may lead a request elsewhere, as in nginx (NGX_HTTP_MAX_URI_CHANGES).
const maxFollowed = 10

// accel is what endpoints have said about an exchange in X-Accel fields (quirk.Accel): see
// https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_ignore_headers.
type accel struct {
	followed int
	rate     int64 // of the body, in bytes a second, if setsRate
	setsRate bool
}

// take takes the X-Accel fields of nginx out of a reply, and returns where it leads the request; nil if nowhere. Buffering and
// caching, which two of the fields are about, is not done here; the character set is that of Content-Type.
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

// limit takes the rate of the body from a field.
func (a *accel) limit(value []byte) {
	if rate, err := strconv.ParseInt(string(value), 10, 64); err == nil && rate >= 0 {
		a.rate, a.setsRate = rate, true
	}
}

// follow answers with what a GET request for another target of the same host is answered, in place of a reply. All policies
// of its route apply. The client gets the cookies of the reply that has led there.
func (x *exchange) follow(target []byte, reply upstream.Reply) (reusable bool) {
	x.accel.followed++
	target, valid := localTarget(target)
	var cookies []byte
	for i := range reply.Header().Fields {
		if field := &reply.Header().Fields[i]; message.EqualFold(field.Name, "set-cookie") && field.IsForwarded() {
			cookies = policy.AppendLine(cookies, "Set-Cookie", string(field.Value))
		}
	}
	_ = reply.Close() // another one takes its place
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
		clear(traced) // what the policies of the former route have done
		x.request.Events = traced
	}
	x.request.ReplyLines = append(x.request.ReplyLines, cookies...)
	x.call.Begin()
	return x.answer()
}

// localTarget is a target in origin form, normalised: it is not the client that has written it, and it is sent to endpoints.
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
