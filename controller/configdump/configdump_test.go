package configdump_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ingress-testbed/testbed/controller/configdump"
	"github.com/ingress-testbed/testbed/internal/golden"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

func table() *route.Table {
	source := route.ObjectRef{Kind: "Ingress", Namespace: "default", Name: "ingress-1"}
	backend := func(service, port string, weight int) route.Backend {
		return route.Backend{Upstream: "default-" + service + "-" + port, Weight: weight, Service: route.ServiceRef{
			Namespace: "default", Name: service, Port: port,
		}}
	}
	overHTTPS := func(b route.Backend) route.Backend { b.Secure = b.Upstream + "-https"; return b }
	to := func(m route.Match, service, port string) route.Route {
		return route.Route{Match: m, Source: source, Action: route.Forward{Backends: []route.Backend{backend(service, port, 1)}}}
	}
	upstream := func(name string, protocol route.Protocol, endpoints ...route.Endpoint) route.Upstream {
		return route.Upstream{Name: name, Protocol: protocol, Endpoints: endpoints}
	}
	endpoint := func(address, pod string) route.Endpoint {
		return route.Endpoint{Address: netip.MustParseAddrPort(address), Pod: pod}
	}
	return &route.Table{
		Hosts: []route.Host{
			{Name: "gyull.com", Routes: []route.Route{
				{
					Match: route.PrefixPath("/"), Source: source,
					Policies: []route.Policy{
						policy.RedirectToHTTPS{}, policy.BodySize{Bytes: 8}, policy.Timeouts{Connect: time.Second},
						policy.Affinity{Cookie: "route"}, policy.HSTS{Value: "max-age=1"},
					},
					Action: route.Forward{
						Backends: []route.Backend{backend("svc-v1", "8080", 1)},
						Canary: &route.Canary{
							Backend: backend("svc-v2", "8080", 0), Header: "X-Canary", HeaderValue: "yes", HeaderPattern: "^y",
							Cookie: "c", Weight: 10, Source: route.ObjectRef{Kind: "Ingress", Namespace: "default", Name: "ingress-2"},
						},
					},
				},
				to(route.ExactPath("/"), "missing", "http"),
				{
					Match:  route.PrefixPath("/private"),
					Source: source, Action: route.Deny{Status: 503, Reason: "auth-url is not supported"},
				},
				{
					Match: route.Match{
						Path: route.Path{Kind: route.Regex, Value: "/old/.*", IgnoreCase: true}, Method: "GET",
						Headers: []route.ValueMatch{{Name: "X-A", Value: "b"}}, Query: []route.ValueMatch{{Name: "q", Value: "[0-9]", Regex: true}},
					},
					Source: source, Action: route.Redirect{Status: 301, URL: "https://new.example/"},
				},
				{Match: route.PrefixPath("/shared"), Source: source, Action: route.Forward{Backends: []route.Backend{
					backend("svc-v1", "8080", 3), {Weight: 1, Deny: &route.Deny{Status: 500, Reason: "no such Service"}},
				}}},
			}},
			{Name: "", Routes: []route.Route{
				to(route.PrefixPath("/"), "svc1-web", "80"),
				to(route.PrefixPath("/admin"), "svc3-admin", "8080"),
				{Match: route.PrefixPath("/guest"), Source: source, Action: route.Forward{
					Backends: []route.Backend{overHTTPS(backend("svc2-guest", "8080", 1))},
				}},
			}},
			{Name: "empty.example.com"},
		},
		Upstreams: []route.Upstream{
			upstream("default-svc1-web-80", route.HTTP1, endpoint("172.16.2.6:80", "web-1")),
			upstream("default-svc2-guest-8080", route.HTTP1, endpoint("172.16.1.3:8080", "guest-1"), endpoint("172.16.3.6:8080", "")),
			upstream("default-svc2-guest-8080-https", route.HTTPS, endpoint("172.16.1.3:8080", "guest-1")),
			upstream("default-svc3-admin-8080", route.HTTP1),
			upstream("default-svc-v1-8080", route.HTTP1, endpoint("[2001:db8::1]:8080", "v1")),
			upstream("default-svc-v2-8080", route.H2C, endpoint("172.16.1.6:8080", "v2")),
		},
		Certificates: []route.Certificate{{
			Origin: "default/cert", Hosts: []string{"gyull.com", "*.gyull.com"}, ChainPEM: []byte("CHAIN"), KeyPEM: []byte("SECRET"),
		}},
		DefaultCertificate: &route.Certificate{Origin: "ingress/default", KeyPEM: []byte("SECRET")},
	}
}

// dump is that of the table, with the settings.
func dump() configdump.Table {
	made := configdump.Of(table())
	made.Settings = []configdump.ConfigMap{{Namespace: "ingress", Name: "ingress-nginx-controller", ResourceVersion: "42"}}
	return made
}

func TestText(t *testing.T) {
	var out bytes.Buffer
	if err := dump().WriteText(&out); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "testdata/table.txt", out.String())
}

// TestGrep shows that the five lines after each location say what it is made from, as they do in an nginx.conf.
func TestGrep(t *testing.T) {
	var out bytes.Buffer
	if err := dump().WriteText(&out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	found := 0
	for i, line := range lines {
		if !strings.HasPrefix(strings.TrimSpace(line), "location ") {
			continue
		}
		found++
		for j, key := range []string{"namespace", "ingress", "service", "port", "path"} {
			if !strings.HasPrefix(strings.TrimSpace(lines[i+1+j]), key+" ") {
				t.Errorf("line %d after %q is %q, want the %s", j+1, line, lines[i+1+j], key)
			}
		}
	}
	if found != 8 {
		t.Errorf("%d locations", found)
	}
}

func TestOverHTTP(t *testing.T) {
	var raw bytes.Buffer
	handler := configdump.Handler(dump)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, r)
		raw.Write(recorder.Body.Bytes())
		w.Write(recorder.Body.Bytes())
	}))
	defer server.Close()
	got, err := configdump.Fetch(t.Context(), strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(dump(), got); diff != "" {
		t.Error(diff)
	}
	if !json.Valid(raw.Bytes()) || strings.Contains(raw.String(), "SECRET") {
		t.Errorf("the answer is no JSON or shows a key: %s", raw.String())
	}
}

func TestFetchFails(t *testing.T) {
	answer := func(status int, body string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			w.Write([]byte(body))
		}))
		t.Cleanup(server.Close)
		return strings.TrimPrefix(server.URL, "http://")
	}
	for name, address := range map[string]string{
		"no listener": "127.0.0.1:1",
		"no address":  "\x00",
		"an error":    answer(http.StatusTeapot, "{}"),
		"no table":    answer(http.StatusOK, "<html>"),
	} {
		if _, err := configdump.Fetch(context.Background(), address); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
