package compare_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"

	"github.com/ingress-testbed/testbed/fixtures/backends"
	"github.com/ingress-testbed/testbed/reports/effect"
	"github.com/ingress-testbed/testbed/steps/client"
	"github.com/ingress-testbed/testbed/steps/compare"
	"github.com/ingress-testbed/testbed/steps/compare/derive"
	"github.com/ingress-testbed/testbed/steps/compare/estate"
	"github.com/ingress-testbed/testbed/steps/replay/send"
)

// drawing is a controller with two backends, of which each gets half of the requests. It implements compare.Target and compare.Session.
type drawing struct {
	// lucky is the backend that gets three requests in a row, after the first.
	lucky int
	// field is a field of all its answers; "" for none.
	field  string
	plain  *httptest.Server
	secure *httptest.Server

	mu   sync.Mutex
	seen map[string]int
}

func newDrawing(t *testing.T, lucky int, field string) *drawing {
	t.Helper()
	d := &drawing{lucky: lucky, field: field, seen: map[string]int{}}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d.field != "" {
			w.Header().Set(d.field, "1")
		}
		backend := d.draw(r.Method + r.Host + r.RequestURI)
		backends.StandIn("pod-1", func(*http.Request) int { return backend }).ServeHTTP(w, r)
	})
	d.plain, d.secure = httptest.NewServer(handler), httptest.NewTLSServer(handler)
	t.Cleanup(d.plain.Close)
	t.Cleanup(d.secure.Close)
	return d
}

// draw returns a backend, 1 or 2.
func (d *drawing) draw(request string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.seen[request]
	d.seen[request]++
	switch {
	case n == 0:
		return 1
	case n <= 3:
		return d.lucky
	}
	return 1 + n%2
}

func (*drawing) Description() string { return "a controller that draws" }

func (d *drawing) Begin(context.Context, *estate.Estate, []string) (compare.Session, error) {
	return d, nil
}

func (d *drawing) Client(*derive.Probe, int) (*send.Client, error) {
	address := func(s *httptest.Server) netip.AddrPort { return netip.MustParseAddrPort(s.Listener.Addr().String()) }
	return &send.Client{Dialer: &net.Dialer{}, Entry: client.Entry{HTTP: address(d.plain), HTTPS: address(d.secure)}}, nil
}

func (*drawing) Backend(name string) string                { return name }
func (*drawing) ClientAddresses(derive.From, int) []string { return nil }
func (*drawing) Refused() map[string]string                { return nil }
func (*drawing) Notes() []string                           { return nil }
func (*drawing) Alive(context.Context) error               { return nil }
func (*drawing) End(context.Context) error                 { return nil }

// Two controllers that draw between the same backends don't differ in which of them answers, though one has given the same three times in
// a row, and the other one the other. That one adds a field to its answers is found.
func TestBackendsThatAreDrawnDontDiffer(t *testing.T) {
	t.Parallel()
	ingress := &networkingv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Namespace: "web", Name: "shop"},
		Spec: networkingv1.IngressSpec{Rules: []networkingv1.IngressRule{{Host: "shop.test", IngressRuleValue: networkingv1.IngressRuleValue{
			HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{{Path: "/", PathType: ptr.To(networkingv1.PathTypePrefix)}}},
		}}}},
	}
	report, err := compare.Run(t.Context(), estate.New([]runtime.Object{ingress}, estate.Options{}), newDrawing(t, 1, ""),
		[]compare.Target{newDrawing(t, 2, "X-Candidate")}, compare.Options{Parallel: 4, Limits: derive.Limits{PerIngress: 4}})
	if err != nil {
		t.Fatal(err)
	}
	findings := report.Candidates[0].Findings
	if len(findings) == 0 {
		t.Error("the field is not found")
	}
	for _, finding := range findings {
		if finding.Effect != effect.Headers {
			t.Errorf("%s: %s: %+v", finding.Effect, finding.Request, finding.Differences)
		}
	}
}
