package explain_test

import (
	"encoding/json"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/explain"
	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/controller/snapshot/snapshottest"
	"github.com/ingress-testbed/testbed/internal/golden"
)

const objects = `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: api
  namespace: web
  annotations:
    nginx.ingress.kubernetes.io/rewrite-target: /$2
    nginx.ingress.kubernetes.io/auth-url: http://198.18.0.9/check
    nginx.ingress.kubernetes.io/upstream-vhost: inner.test
    nginx.ingress.kubernetes.io/denylist-source-range: 203.0.113.0/24
spec:
  ingressClassName: nginx
  rules:
  - host: shop.test
    http: {paths: [{path: /api(/|$)(.*), pathType: ImplementationSpecific, backend: {service: {name: shop, port: {number: 80}}}}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: pages, namespace: web}
spec:
  ingressClassName: nginx
  tls: [{hosts: [shop.test], secretName: missing}]
  rules:
  - host: shop.test
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: shop, port: {number: 80}}}}
      - {path: /cart, pathType: Exact, backend: {service: {name: shop, port: {number: 80}}}}
  - host: "*.test"
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: absent, port: {number: 80}}}}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: next
  namespace: web
  annotations: {nginx.ingress.kubernetes.io/canary: "true", nginx.ingress.kubernetes.io/canary-weight: "20", nginx.ingress.kubernetes.io/canary-by-header: X-Canary}
spec:
  ingressClassName: nginx
  rules:
  - host: shop.test
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: next, port: {number: 80}}}}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: foreign, namespace: web}
spec:
  ingressClassName: traefik
  rules:
  - host: foreign.other
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: shop, port: {number: 80}}}}]}
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: nginx}
spec: {controller: c}
---
apiVersion: v1
kind: Service
metadata: {name: shop, namespace: web}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: next, namespace: web}
spec: {ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
addressType: IPv4
metadata: {name: shop, namespace: web, labels: {kubernetes.io/service-name: shop}}
ports: [{name: "", port: 8080}]
endpoints: [{addresses: [10.0.0.1], targetRef: {kind: Pod, name: shop-1}}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
addressType: IPv4
metadata: {name: next, namespace: web, labels: {kubernetes.io/service-name: next}}
ports: [{name: "", port: 8080}]
endpoints: [{addresses: [10.0.0.2]}]
`

// newExplainer explains requests to a cluster with the objects of a manifest. The controller's class is "c".
func newExplainer(t testing.TB, manifest string, settings snapshot.Settings, options explain.Options) *explain.Explainer {
	t.Helper()
	decoded, err := snapshottest.Objects([]byte(manifest))
	if err != nil {
		t.Fatal(err)
	}
	settings.ControllerClass = "c"
	return explain.New(snapshottest.NewStore(decoded...), settings, options)
}

func request(t testing.TB, url string, flags explain.Flags) explain.Request {
	t.Helper()
	made, err := explain.NewRequest(url, flags)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// TestText compares explanations of requests that are answered in all ways.
func TestText(t *testing.T) {
	var text strings.Builder
	for _, test := range []struct {
		url     string
		flags   explain.Flags
		mode    compatibility.Mode
		options explain.Options
	}{
		{url: "https://shop.test/api/orders/7?x=1", flags: explain.Flags{Method: "POST", Data: []string{"a=b", "c"}}},
		{url: "https://shop.test/api/x", flags: explain.Flags{Client: "203.0.113.7"}},
		{url: "https://shop.test/api/x", options: explain.Options{AuthStatus: 401}},
		{url: "https://shop.test/cart", flags: explain.Flags{HTTP2: true}},
		{url: "http://shop.test/cart", mode: compatibility.IngressNginx},
		{url: "https://shop.test/about", flags: explain.Flags{Headers: []string{"X-Canary: always"}}},
		{url: "https://shop.test/about", flags: explain.Flags{Headers: []string{"X-Canary: never"}, Head: true}},
		{url: "other.test"},
		{url: "foreign.other/x"},
	} {
		x, err := newExplainer(t, objects, snapshot.Settings{Compatibility: test.mode}, test.options).Explain(t.Context(), request(t, test.url, test.flags))
		if err != nil {
			t.Fatal(err)
		}
		if err := x.WriteText(&text); err != nil {
			t.Fatal(err)
		}
		text.WriteByte('\n')
	}
	masked := regexp.MustCompile(`(X-Request-Id:) [0-9a-f]{32}`).ReplaceAllString(text.String(), "$1 ID")
	golden.Compare(t, "testdata/explanations.txt", masked)
}

// TestOdds doesn't depend on what was drawn.
func TestOdds(t *testing.T) {
	explainer := newExplainer(t, objects, snapshot.Settings{}, explain.Options{})
	by := map[bool]int{}
	for range 60 {
		x, err := explainer.Explain(t.Context(), request(t, "https://shop.test/about", explain.Flags{}))
		if err != nil {
			t.Fatal(err)
		}
		by[x.Backend.Canary]++
		if got := strings.Join(x.Backend.Odds, ", "); got != "80 %: web/shop:80, 20 %: web/next:80" {
			t.Fatal(got)
		}
		if x.Sent == nil || !strings.HasPrefix(x.Sent.To, "10.0.0.") {
			t.Fatalf("%+v", x.Sent)
		}
	}
	if by[true] == 0 || by[false] == 0 { // with a chance of 0.8^60, one in a million
		t.Errorf("the canary got %d of %d", by[true], by[true]+by[false])
	}
}

// TestRefused has an endpoint that nobody listens at.
func TestRefused(t *testing.T) {
	explainer := newExplainer(t, objects, snapshot.Settings{}, explain.Options{Refused: func(netip.AddrPort) bool { return true }})
	x, err := explainer.Explain(t.Context(), request(t, "https://shop.test/cart", explain.Flags{}))
	if err != nil {
		t.Fatal(err)
	}
	if x.Answer.Status != 502 || x.Answer.By != "controller" || x.Sent != nil || x.Backend == nil {
		t.Errorf("%+v", x.Answer)
	}
	if _, err := json.Marshal(x); err != nil {
		t.Error(err)
	}
}

func TestNewRequest(t *testing.T) {
	for _, test := range []struct {
		url   string
		flags explain.Flags
		want  string // method, URL and fields, or the error
	}{
		{"shop.test", explain.Flags{}, "GET http://shop.test/"},
		{"https://shop.test/a/../b/./c?x#y", explain.Flags{}, "GET https://shop.test/b/c?x"},
		{"shop.test/a%2F..%2fb/%2e%2E/c", explain.Flags{}, "GET http://shop.test/c"},
		{"shop.test/a/..", explain.Flags{PathAsIs: true}, "GET http://shop.test/a/.."},
		{"shop.test/..", explain.Flags{}, "GET http://shop.test/"},
		{"a:b@shop.test", explain.Flags{}, "GET http://shop.test/ Authorization: Basic YTpi"},
		{"shop.test", explain.Flags{User: "a:b", Cookies: []string{"a=b", "c=d"}}, "GET http://shop.test/ Cookie: a=b; c=d Authorization: Basic YTpi"},
		{"shop.test", explain.Flags{Data: []string{"a"}}, "POST http://shop.test/ Content-Type: application/x-www-form-urlencoded"},
		{"shop.test", explain.Flags{Data: []string{"a"}, Method: "PUT", Headers: []string{"content-type:x"}}, "PUT http://shop.test/ content-type: x"},
		{"ftp://shop.test", explain.Flags{}, `"ftp://shop.test": the scheme must be http or https`},
		{"http:///x", explain.Flags{}, `"http:///x": the URL has no host`},
		{"shop.test:x/", explain.Flags{}, `"http://shop.test:x/" is not a URL: invalid port ":x" after host`},
		{"shop.test", explain.Flags{Method: "A B"}, `--request: "A B" is not a method`},
		{"shop.test", explain.Flags{Method: "CONNECT"}, `--request: "CONNECT" makes a tunnel, which can't be explained`},
		{"shop.test", explain.Flags{Headers: []string{"x"}}, `--header: "x" is not of the form "Name: value"`},
		{"shop.test", explain.Flags{Headers: []string{"x: a\nb"}}, "--header: \"x: a\\nb\" is not of the form \"Name: value\""},
		{"shop.test", explain.Flags{Cookies: []string{"x"}}, `--cookie: "x" is not of the form "name=value"`},
		{"shop.test", explain.Flags{User: "x"}, `--user: "x" is not of the form "name:password"`},
		{"shop.test", explain.Flags{Client: "x"}, `--client: "x" is not an IP address`},
	} {
		made, err := explain.NewRequest(test.url, test.flags)
		var got string
		if err != nil {
			got = err.Error()
		} else {
			got = made.Method + " " + made.URL.String()
			for _, field := range made.Header {
				got += " " + field.String()
			}
		}
		if got != test.want {
			t.Errorf("%s %+v: got %s, want %s", test.url, test.flags, got, test.want)
		}
	}
}

// FuzzExplain sends whatever can be written, and fails if an explanation doesn't end or contradicts itself.
func FuzzExplain(f *testing.F) {
	f.Add("https://shop.test/api/x?y", "GET", "X-Canary: always", "", false)
	f.Add("http://shop.test/%2e%2e/%00", "POST", "Host: other.test", "body", true)
	f.Add("//x//", "TRACE", "Expect: 100-continue", "x", false)
	f.Add("http://[::1]:80/*", "OPTIONS", "Connection: upgrade", "", false)
	explainer := newExplainer(f, objects, snapshot.Settings{}, explain.Options{})
	f.Fuzz(func(t *testing.T, url, method, header, body string, http2 bool) {
		flags := explain.Flags{Method: method, HTTP2: http2}
		if header != "" {
			flags.Headers = []string{header}
		}
		if body != "" {
			flags.Data = []string{body}
		}
		made, err := explain.NewRequest(url, flags)
		if err != nil {
			return
		}
		x, err := explainer.Explain(t.Context(), made)
		if err != nil {
			return // net/http does not send it
		}
		if x.Answer.Status == 0 || x.Sent != nil && x.Backend == nil {
			t.Errorf("%+v", x)
		}
	})
}

func BenchmarkExplain(b *testing.B) {
	explainer := newExplainer(b, objects, snapshot.Settings{}, explain.Options{})
	made := request(b, "https://shop.test/cart", explain.Flags{})
	for b.Loop() {
		if _, err := explainer.Explain(b.Context(), made); err != nil {
			b.Fatal(err)
		}
	}
}
