package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/policy/rewriting"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// answerQuery answers with the status of the query.
func answerQuery(w http.ResponseWriter, r *http.Request) {
	status, _ := strconv.Atoi(r.URL.RawQuery)
	w.Header().Set("X-From", "endpoint")
	w.WriteHeader(max(status, 200))
	io.WriteString(w, "endpoint")
}

// showPage is an error backend: it answers with what it has got.
func showPage(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("X-From", "pages")
	w.WriteHeader(http.StatusTeapot)
	fmt.Fprintf(w, "%s %s %s %s", r.Method, r.RequestURI, r.Proto, body)
	for _, name := range []string{"X-Code", "X-Format", "X-Original-Uri", "X-Namespace", "X-Ingress-Name", "X-Service-Name", "X-Service-Port", "If-None-Match"} {
		fmt.Fprintf(w, " %s", strings.Join(r.Header[name], ","))
	}
}

func TestErrorPages(t *testing.T) {
	endpoint := upstream("u", backend(t, answerQuery))
	pages := upstream("pages", backend(t, showPage))
	dead := upstream("pages", refusing(t))
	all := policy.ErrorPages{
		Statuses: []int{404, 413, 503}, Upstream: "pages", Namespace: "n", Ingress: "i", Service: "s", Port: "80",
	}
	change := func(do func(*policy.ErrorPages)) policy.ErrorPages {
		changed := all
		do(&changed)
		return changed
	}
	for name, c := range map[string]struct {
		pages  policy.ErrorPages
		errors route.Upstream
		to     route.Upstream
		url    string
		status int
		body   string
	}{
		"replaced":          {all, pages, endpoint, "/a%20b?404", 418, "POST / HTTP/1.1  404 text/x /a%20b?404 n i s 80 "},
		"not an error":      {all, pages, endpoint, "/?200", 200, "endpoint"},
		"another error":     {all, pages, endpoint, "/?500", 500, "endpoint"},
		"no endpoint":       {all, pages, upstream("u"), "/", 418, "POST / HTTP/1.1  503 text/x / n i s 80 "},
		"of the proxy":      {change(func(p *policy.ErrorPages) { p.OwnOnly = true }), pages, upstream("u"), "/", 418, "POST / HTTP/1.1  503 text/x / n i s 80 "},
		"of endpoint":       {change(func(p *policy.ErrorPages) { p.OwnOnly = true }), pages, endpoint, "/?404", 404, "endpoint"},
		"HTTP/1.0":          {change(func(p *policy.ErrorPages) { p.HTTP10 = true }), pages, endpoint, "/?503", 418, "POST / HTTP/1.0  503 text/x /?503 n i s 80 "},
		"dead":              {all, dead, endpoint, "/?404", 404, "Not Found\n"},
		"dead, no endpoint": {all, dead, upstream("u"), "/", 503, "Service Unavailable\n"},
		"no pages":          {change(func(p *policy.ErrorPages) { p.Upstream = "" }), pages, endpoint, "/?503", 503, "Service Unavailable\n"},
		"other status":      {change(func(p *policy.ErrorPages) { p.Upstream, p.Status = "", 404 }), pages, endpoint, "/?503", 404, "Not Found\n"},
		"unavailable":       {change(func(p *policy.ErrorPages) { p.Unavailable = true }), pages, upstream("u"), "/a?b", 418, `POST /a?b HTTP/1.1 text 503 text/x  n i s 80 "1"`},
		"available":         {change(func(p *policy.ErrorPages) { p.Unavailable = true }), pages, endpoint, "/a?200", 200, "endpoint"},
	} {
		t.Run(name, func(t *testing.T) {
			table := toAll(c.to)
			table.Upstreams = append(table.Upstreams, c.errors)
			table.Hosts[0].Routes[0].Policies = []route.Policy{c.pages}
			s := serve(t, proxy.Config{}, table)
			conn := s.dial(t)
			for range 2 { // the connection can be used again
				conn.send("POST %s HTTP/1.1\r\nHost: h\r\nAccept: text/x\r\nX-Code: 200\r\nX-Namespace: forged\r\nIf-None-Match: \"1\"\r\nContent-Length: 4\r\n\r\ntext", c.url)
				reply, body := conn.reply("POST")
				if reply.StatusCode != c.status || body != c.body {
					t.Errorf("got %d, %q; want %d, %q", reply.StatusCode, body, c.status, c.body)
				}
			}
		})
	}
	requireDistinct(t, all)
}

func requireDistinct(t *testing.T, p policy.ErrorPages) {
	t.Helper()
	for i, change := range []func(*policy.ErrorPages){
		func(p *policy.ErrorPages) { p.Statuses = []int{404} }, func(p *policy.ErrorPages) { p.OwnOnly = true },
		func(p *policy.ErrorPages) { p.Upstream = "" }, func(p *policy.ErrorPages) { p.Status = 404 },
		func(p *policy.ErrorPages) { p.Unavailable = true }, func(p *policy.ErrorPages) { p.HTTP10 = true },
		func(p *policy.ErrorPages) { p.Namespace = "" }, func(p *policy.ErrorPages) { p.Ingress = "" },
		func(p *policy.ErrorPages) { p.Service = "" }, func(p *policy.ErrorPages) { p.Port = "" },
	} {
		changed := p
		if change(&changed); changed.Equal(p) || !changed.Equal(changed) {
			t.Errorf("change %d is not seen: %s", i, changed.Text())
		}
	}
}

// TestErrorPageOfUnreadBody has a reply that comes before the request's body: the connection must not be used again, since
// the rest of the body would be taken for a request.
func TestErrorPageOfUnreadBody(t *testing.T) {
	table := toAll(upstream("u", backend(t, answerQuery)))
	table.Upstreams = append(table.Upstreams, upstream("pages", backend(t, showPage)))
	table.Hosts[0].Routes[0].Policies = []route.Policy{
		policy.BodySize{Bytes: 10}, policy.ErrorPages{Statuses: []int{413}, Upstream: "pages"},
	}
	conn := serve(t, proxy.Config{}, table).dial(t)
	conn.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n")
	if reply, _ := conn.reply("POST"); reply.StatusCode != http.StatusTeapot || !reply.Close {
		t.Errorf("got %d, close is %t", reply.StatusCode, reply.Close)
	}
	conn.ended()
}

// TestHTTP10Endpoints has endpoints that get HTTP/1.0.
func TestHTTP10Endpoints(t *testing.T) {
	table := toAll(upstream("u", backend(t, func(w http.ResponseWriter, r *http.Request) {
		dump, _ := httputil.DumpRequest(r, true)
		first, rest, _ := strings.Cut(string(dump), "\r\n")
		fmt.Fprintf(w, "%s close=%t upgrade=%q length=%d body=%q", first, strings.Contains(rest, "Connection: close"),
			r.Header.Get("Upgrade"), r.ContentLength, rest[len(rest)-4:])
	})))
	table.Hosts[0].Routes[0].Policies = []route.Policy{rewriting.HTTP10{}}
	conn := serve(t, proxy.Config{}, table).dial(t)
	for request, want := range map[string]string{
		"POST /a?b HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\ntext":                                   `POST /a?b HTTP/1.0 close=true upgrade="" length=4 body="text"`,
		"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ntext\r\n0\r\n\r\n":           `POST / HTTP/1.0 close=true upgrade="" length=4 body="text"`,
		"POST / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: x\r\nContent-Length: 4\r\n\r\ntext": `POST / HTTP/1.0 close=true upgrade="" length=4 body="text"`,
	} {
		conn.send("%s", request)
		if reply, body := conn.reply("POST"); reply.StatusCode != http.StatusOK || body != want {
			t.Errorf("got %d, %s; want %s", reply.StatusCode, body, want)
		}
	}
	conn.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ntext\r\n")
	if reply, _ := conn.reply("POST"); reply.StatusCode != http.StatusLengthRequired {
		t.Errorf("a body of unknown length: got %d", reply.StatusCode)
	}
}
