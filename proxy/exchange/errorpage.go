package exchange

import (
	"errors"
	"slices"
	"time"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/policy/variable"
	"github.com/ingress-testbed/testbed/proxy/upstream"
	"github.com/ingress-testbed/testbed/proxy/upstream/own"
)

// errorPage returns the settings of the route's error pages if they replace a reply; nil if not. A page is never
// replaced itself.
func (x *exchange) errorPage(status int, own bool) *policy.ErrorPages {
	if x.route == nil || x.replaced {
		return nil
	}
	pages := x.route.Chain.Settings.ErrorPages
	if pages == nil || !pages.Replaces(status, own) {
		return nil
	}
	return pages
}

// relayPage answers with a page of the error backend or, if that fails, with the proxy's own. reason is that of the reply that is
// replaced.
func (x *exchange) relayPage(pages *policy.ErrorPages, status int, reason string) (reusable bool) {
	x.replaced = true
	page, err := x.fetchPage(pages, status)
	if err == nil {
		x.outcome.reason = reason
		return x.relay(page)
	}
	if pages.Status != 0 {
		status = pages.Status
	}
	if reason != "" {
		reason += "; "
	}
	return x.reply(status, reason+"error page: "+err.Error())
}

// pageAttempts is how many endpoints of an error backend are tried.
const pageAttempts = 2

var (
	errNoErrorBackend  = errors.New("there is no error backend")
	errNoErrorEndpoint = errors.New("the error backend has no endpoint")
)

// fetchPage requests a page of the error backend, in the name of the client and with its method.
func (x *exchange) fetchPage(pages *policy.ErrorPages, status int) (upstream.Reply, error) {
	if pages.Upstream == "" {
		return nil, errNoErrorBackend
	}
	target := variable.AppendTarget(nil, x.message)
	request := new(message.Request)
	x.message.Subrequest(request, x.message.Method)
	pages.Forget(&policy.Request{Message: request})
	for _, name := range []string{"range", "if-range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since"} {
		request.RemoveName(name) // they are about what the client has requested
	}
	request.SetTarget([]byte("/"))
	call := &upstream.Call{Request: request, Path: request.Path, Client: own.NewClient(x.client.Context()), Body: new(own.Body), HTTP10: pages.HTTP10}
	call.Timeouts = x.timeouts()
	call.Lines = x.identity.AppendLines(nil, x.message, x.requestID.value)
	call.Lines = policy.AppendLine(pages.AppendLines(call.Lines, status, &x.request), "X-Original-URI", string(target))
	for attempt := 1; ; attempt++ {
		pool := x.table.NextPool(pages.Upstream)
		if pool == nil {
			return nil, errNoErrorEndpoint
		}
		if call.Host = slices.Clone(x.identity.Host); len(call.Host) == 0 {
			call.Host = []byte(pool.Address)
		}
		call.Begin()
		reply, err := pool.RoundTrip(call, time.Now())
		if err == nil || attempt >= pageAttempts || !call.Retryable(err) {
			return reply, err
		}
	}
}

// serveUnavailable sends the request to the error backend if the upstream has no endpoints and the route is configured so.
func (x *exchange) serveUnavailable() (reusable, served bool) {
	pages := x.route.Chain.Settings.ErrorPages
	if pages == nil || !pages.Unavailable {
		return false, false
	}
	selection, found := x.table.SelectCalled(pages.Upstream, x.selection.Backend)
	if !found {
		return false, false
	}
	x.selection = selection
	pages.Forget(&x.request)
	x.request.RequestLines = pages.AppendLines(x.request.RequestLines, 503, &x.request)
	return x.forward(), true
}
