package proxy

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ingress-testbed/testbed/proxy/accesslog"
	"github.com/ingress-testbed/testbed/proxy/balance"
	"github.com/ingress-testbed/testbed/proxy/urlpath"
)

// handler serves the requests of one listener.
type handler struct {
	server *Server
	tls    bool
}

// run is one request on its way.
type run struct {
	*handler
	snapshot *snapshot
	at       *location
	choice   choice
	forward  forwarded
	entry    accesslog.Entry
}

func (x *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r1 := &run{handler: x, snapshot: x.server.current.Load()}
	r1.forward = x.forwarded(r)
	r1.entry = accesslog.Entry{
		Time: time.Now(), Client: r1.forward.client, Scheme: r1.forward.scheme, Protocol: r.Proto, Method: r.Method,
		Host: r.Host, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, RequestID: r1.forward.requestID,
		UserAgent: r.UserAgent(), Referer: r.Referer(), BytesIn: max(r.ContentLength, 0),
	}
	counted := &countingWriter{ResponseWriter: w}
	defer func() {
		r1.entry.Status, r1.entry.BytesOut = counted.status, counted.bytes
		r1.entry.Duration = time.Since(r1.entry.Time)
		series := x.server.metrics.Unrouted()
		if r1.choice.target != nil {
			series = r1.choice.target.series
		}
		series.Observe(r1.entry.Status, r1.entry.Duration, r1.entry.BytesIn, r1.entry.BytesOut)
		x.server.access.Write(&r1.entry)
	}()
	r1.serve(counted, r)
}

func (x *run) serve(w http.ResponseWriter, r *http.Request) {
	path, err := urlpath.AppendNormal(nil, r.URL.EscapedPath())
	if err != nil {
		x.fail(w, http.StatusBadRequest, err)
		return
	}
	x.entry.Path = string(path)
	at, found := x.snapshot.hosts.Find(hostName(r.Host), x.entry.Path)
	if !found {
		x.fail(w, http.StatusNotFound, errors.New("no route"))
		return
	}
	x.at = at
	x.choice = x.snapshot.choose(at, lookup{r})
	x.entry.Upstream = x.choice.target.backend.Upstream
	if x.forward.scheme == "https" && at.policy.HSTS != "" {
		w.Header().Set("Strict-Transport-Security", at.policy.HSTS)
	}
	if at.policy.RedirectToHTTPS && x.forward.scheme == "http" {
		http.Redirect(w, r, x.secureURL(r), http.StatusPermanentRedirect)
		return
	}
	limit := at.policy.MaxBodyBytes
	if limit == 0 {
		limit = x.server.config.Limits.BodyBytes
	}
	if limit > 0 {
		if r.ContentLength > limit {
			x.fail(w, http.StatusRequestEntityTooLarge, errors.New("the body is too large"))
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
	}
	if x.choice.endpoint < 0 {
		x.fail(w, http.StatusServiceUnavailable, errors.New("no endpoint"))
		return
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:       x.rewrite,
		Transport:     x,
		FlushInterval: -1,
		ModifyResponse: func(reply *http.Response) error {
			if x.choice.session != "" {
				cookie := balance.AppendSessionCookie(nil, at.policy.Affinity, x.choice.session)
				reply.Header.Add("Set-Cookie", string(cookie))
			}
			if w.Header().Get("Strict-Transport-Security") != "" {
				reply.Header.Del("Strict-Transport-Security")
			}
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) { x.fail(w, status(r, err), err) },
		ErrorLog:     log.New(io.Discard, "", 0), // the access log has it
	}
	proxy.ServeHTTP(w, r)
}

// rewrite makes the request to the backend; hop-by-hop fields are gone already.
func (x *run) rewrite(r *httputil.ProxyRequest) {
	path, _ := url.PathUnescape(x.entry.Path) // it is normalised
	*r.Out.URL = url.URL{
		Scheme: "http", Path: path, RawPath: x.entry.Path, RawQuery: r.In.URL.RawQuery, ForceQuery: r.In.URL.ForceQuery,
	}
	r.Out.Host = r.In.Host
	if values := r.In.Header["Forwarded"]; values != nil {
		r.Out.Header["Forwarded"] = values
	}
	x.forward.set(r.Out.Header)
}

// RoundTrip asks one endpoint after the other, as long as the request may be repeated.
func (x *run) RoundTrip(r *http.Request) (*http.Response, error) {
	started := time.Now()
	repeatable := (r.Body == nil || r.Body == http.NoBody) &&
		slices.Contains([]string{"GET", "HEAD", "OPTIONS", "TRACE"}, r.Method)
	for {
		endpoint := x.choice.upstream.rotation.Endpoint(x.choice.endpoint)
		x.entry.Attempts++
		x.entry.Endpoint = endpoint.Address.String()
		r.URL.Host = x.entry.Endpoint
		reply, err := x.attempt(r)
		x.entry.UpstreamTime = time.Since(started)
		if err == nil {
			return reply, nil
		}
		refused := new(net.OpError)
		neverSent := errors.As(err, &refused) && refused.Op == "dial"
		if x.entry.Attempts >= min(x.server.config.Limits.Attempts, x.choice.upstream.rotation.Len()) ||
			!(neverSent || repeatable) || r.Context().Err() != nil || errors.Is(err, errHandlerSlow) {
			return nil, err
		}
		x.server.metrics.Retries.Add(1)
		x.choice.endpoint = x.choice.upstream.rotation.Next()
		if x.choice.session != "" {
			x.choice.session = x.choice.upstream.rotation.Token(x.choice.endpoint)
		}
	}
}

var errHandlerSlow = errors.New("the endpoint did not answer in time")

func (x *run) attempt(r *http.Request) (*http.Response, error) {
	limit := x.at.policy.ResponseTimeout
	if limit == 0 {
		limit = x.server.config.Timeouts.Response
	}
	ctx, cancel := context.WithCancelCause(context.WithValue(r.Context(), connectTimeout{}, x.at.policy.ConnectTimeout))
	slow := time.AfterFunc(limit, func() { cancel(errHandlerSlow) })
	reply, err := x.server.transports.of(x.choice.upstream.source.Protocol).RoundTrip(r.WithContext(ctx))
	if !slow.Stop() && err != nil && errors.Is(context.Cause(ctx), errHandlerSlow) {
		err = errHandlerSlow
	}
	if err != nil {
		cancel(err)
		return nil, err
	}
	context.AfterFunc(r.Context(), func() { cancel(r.Context().Err()) })
	return reply, nil
}

func (x *run) fail(w http.ResponseWriter, code int, err error) {
	x.entry.Error = err.Error()
	if code != statusClientGone {
		http.Error(w, http.StatusText(code), code)
		return
	}
	w.WriteHeader(code)
}

func status(r *http.Request, err error) int {
	tooLarge := new(http.MaxBytesError)
	timeout, isNet := err.(net.Error)
	switch {
	case r.Context().Err() != nil:
		return statusClientGone
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, errHandlerSlow), errors.Is(err, context.DeadlineExceeded), isNet && timeout.Timeout():
		return http.StatusGatewayTimeout
	}
	return http.StatusBadGateway
}

// hostName is the host of a Host field or authority in lower case, without port and final dot.
func hostName(authority string) string {
	host := authority
	if colon := strings.LastIndexByte(host, ':'); colon >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:colon]
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

func (x *run) secureURL(r *http.Request) string {
	url := "https://" + hostName(r.Host)
	if port := x.server.config.TLSPort; port != 443 {
		url = "https://" + netHostPort(hostName(r.Host), port)
	}
	url += x.entry.Path
	if r.URL.RawQuery != "" {
		url += "?" + r.URL.RawQuery
	}
	return url
}

// lookup is a balance.Request.
type lookup struct{ *http.Request }

func (l lookup) Header(name string) (string, bool) {
	values := l.Request.Header.Values(name)
	if len(values) == 0 {
		return "", false
	}
	return values[0], true
}

func (l lookup) Cookie(name string) (string, bool) {
	for _, header := range l.Request.Header["Cookie"] {
		if value, found := balance.FindCookie(header, name); found {
			return value, true
		}
	}
	return "", false
}

func peer(r *http.Request) netip.Addr {
	address, _ := netip.ParseAddrPort(r.RemoteAddr)
	return address.Addr().Unmap()
}

// countingWriter remembers what was answered.
type countingWriter struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *countingWriter) WriteHeader(code int) {
	if code >= 200 || code == http.StatusSwitchingProtocols {
		w.status = code
	}
	w.ResponseWriter.WriteHeader(code)
}

func (w *countingWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

func (w *countingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
