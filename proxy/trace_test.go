package proxy_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/policy/rewriting"
	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/proxy/trace"
)

// TestTrace describes requests that are answered in all ways.
func TestTrace(t *testing.T) {
	table := &route.Table{
		Hosts: []route.Host{
			host("shop.test", prefix("/", "main"), prefix("/cart", "main"), route.Route{
				Match: route.Match{Path: route.Path{Kind: route.Regex, Value: "/old/(.*)"}},
				Policies: []route.Policy{
					policy.UpstreamHost{Host: "inner"}, rewriting.Path{Target: "/new/$1"}, policy.BodySize{Bytes: 10},
					rewriting.Field{Name: "X-Old", Value: "$request_uri"},
				},
				Action: route.To("main"),
			}, route.Route{
				Match:    route.ExactPath("/secure"),
				Policies: []route.Policy{policy.RedirectToHTTPS{}, rewriting.Field{Name: "X", Value: "y"}},
				Action:   route.To("main"),
			}, route.Route{
				Match: route.PrefixPath("/canary"),
				Action: route.Forward{
					Backends: []route.Backend{{Upstream: "main", Weight: 1}},
					Canary:   &route.Canary{Backend: route.Backend{Upstream: "canary"}, Header: "X-Canary", Cookie: "c", Weight: 0},
				},
			}),
			host("*.test", prefix("/", "empty")),
		},
		Upstreams: []route.Upstream{upstream("main", backend(t, named("main"))), upstream("canary", backend(t, named("canary"))), upstream("empty")},
	}
	traces := make(chan trace.Exchange, 1)
	s := serve(t, proxy.Config{Trace: func(made trace.Exchange) { traces <- made }}, table)
	for _, test := range []struct {
		url    string
		header []string
		want   string
	}{
		{"http://shop.test/old/a?b", nil, "/old/a?b on shop.test, /old/a: " +
			"exact /secure=OtherPath regex /old/(.*)=Selected prefix /canary=OtherPath prefix /cart=OtherPath prefix /=LessSpecific; " +
			"limit request bodies to 10 bytes: -; upstream host \"inner\": [host becomes inner]; rewrite to \"/new/$1\": [path /old/a becomes /new/a]; " +
			"request field X-Old: \"$request_uri\": [sets request field X-Old: /old/a?b]; main by weight; 200"},
		{"http://shop.test/secure", nil, "/secure on shop.test, /secure: " +
			"exact /secure=Selected regex /old/(.*)=OtherPath prefix /canary=OtherPath prefix /cart=OtherPath prefix /=LessSpecific; " +
			"redirect to https: [sets reply field Location: https://shop.test/secure] 308; request field X: \"y\": -; 308"},
		{"http://shop.test/canary", []string{"X-Canary", "always"}, "/canary on shop.test, /canary: " +
			"exact /secure=OtherPath regex /old/(.*)=OtherPath prefix /canary=Selected prefix /cart=OtherPath prefix /=LessSpecific; " +
			"canary by canary header (canary); 200"},
		{"http://shop.test/canary", []string{"Cookie", "c=never"}, "/canary on shop.test, /canary: " +
			"exact /secure=OtherPath regex /old/(.*)=OtherPath prefix /canary=Selected prefix /cart=OtherPath prefix /=LessSpecific; " +
			"main by canary cookie; 200"},
		{"http://shop.test/canary", nil, "/canary on shop.test, /canary: " +
			"exact /secure=OtherPath regex /old/(.*)=OtherPath prefix /canary=Selected prefix /cart=OtherPath prefix /=LessSpecific; " +
			"main by canary weight; 200"},
		{"http://other.test/x", nil, "/x on *.test, /x: prefix /=Selected; empty by weight; 503 the upstream has no endpoint"},
		{"http://unknown/x", nil, "/x on no server, /x: ; 404 no route"},
		{"http://shop.test/%00", nil, "/%00 on no server, : ; 400 a percent sign is not followed by two hexadecimal digits, or encodes NUL"},
	} {
		status, _, _ := s.get(t, test.url, test.header...)
		made := <-traces
		if made.Status != status {
			t.Errorf("%s: status %d is traced, and %d was sent", test.url, made.Status, status)
		}
		if diff := cmp.Diff(test.want, traceText(made)); diff != "" {
			t.Errorf("%s %q: %s", test.url, test.header, diff)
		}
	}
}

func traceText(e trace.Exchange) string {
	var text strings.Builder
	server := e.Server.Name
	if !e.Server.Found {
		server = "no server"
	}
	fmt.Fprintf(&text, "%s on %s, %s:", e.Target, server, e.Path)
	for _, candidate := range e.Candidates {
		fmt.Fprintf(&text, " %s=%s", candidate.Route.Match.Text(), candidate.Verdict)
	}
	if len(e.Candidates) == 0 {
		text.WriteByte(' ')
	}
	for _, p := range e.Policies {
		fmt.Fprintf(&text, "; %s: ", p.Text)
		if p.Event == nil {
			text.WriteByte('-')
			continue
		}
		fmt.Fprint(&text, p.Event.Effects)
		if p.Event.Status > 0 {
			fmt.Fprintf(&text, " %d", p.Event.Status)
		}
	}
	if s := e.Selection; s != nil {
		fmt.Fprintf(&text, "; %s by %s", s.Backend.Upstream, s.By)
		if s.Canary {
			text.WriteString(" (canary)")
		}
	}
	fmt.Fprintf(&text, "; %d", e.Status)
	if e.Reason != "" {
		text.WriteString(" " + e.Reason)
	}
	return text.String()
}

// TestTraceOfTLS has certificates by name and by default, over HTTP/2.
func TestTraceOfTLS(t *testing.T) {
	traces := make(chan trace.Exchange, 1)
	table := toAll(upstream("u", backend(t, named("u"))))
	s := serve(t, proxy.Config{Trace: func(made trace.Exchange) { traces <- made }}, table)
	if status, _, _ := s.get(t, "https://shop.test/"); status != http.StatusOK {
		t.Fatal(status)
	}
	made := <-traces
	if c := made.Certificate; c == nil || c.ServerName != "shop.test" || c.Name != "" || len(c.Leaf) == 0 || made.Scheme != "https" {
		t.Errorf("got %+v", made.Certificate)
	}
}
