package definitions_test

import (
	"context"
	"encoding/json"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/proxytest"
	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/steps/client"
	"github.com/ingress-testbed/testbed/steps/subject"
)

// slow is a controller with the real proxy that takes up Ingresses late: not before it has got some requests. It publishes no
// address, as one that does so once a minute, and drops Ingresses that it rejects.
type slow struct {
	subject.Controller
	loopback *loopback
	server   *proxy.Server
	rejected string
	after    int // requests; a negative number is never

	mu      sync.Mutex
	table   route.Table
	waiting []route.Host
	got     int // requests since the last Ingress
}

func newSlow(t *testing.T, after int, rejected string) *slow {
	t.Helper()
	l := newLoopback(t, proxytest.Mutation{})
	l.admitted = func(string) bool { return false }
	server, err := proxy.New(proxy.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s := &slow{loopback: l, server: server, after: after, rejected: rejected, table: *l.table}
	server.Apply(l.table)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, listener, nil) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	l.addresses[nodeAddress+":30080"] = listener.Addr().String()
	l.dynamic.PrependReactor("patch", "ingresses", func(action clienttesting.Action) (bool, runtime.Object, error) {
		object := &unstructured.Unstructured{}
		if err := json.Unmarshal(action.(clienttesting.PatchAction).GetPatch(), &object.Object); err != nil {
			return true, nil, err
		}
		s.applied(object)
		return false, nil, nil
	})
	return s
}

func (s *slow) applied(ingress *unstructured.Unstructured) {
	if ingress.GetName() == s.rejected {
		return
	}
	rules, _, _ := unstructured.NestedSlice(ingress.Object, "spec", "rules")
	host, _, _ := unstructured.NestedString(rules[0].(map[string]any), "host")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = 0
	s.waiting = append(s.waiting, route.Host{Name: host, Routes: []route.Route{{Match: route.PrefixPath("/"), Action: route.To("echo")}}})
}

// DialContext implements client.Dialer. Each request has a connection of its own.
func (s *slow) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	s.mu.Lock()
	if s.got++; s.got == s.after {
		s.table.Hosts = append(s.table.Hosts[:len(s.table.Hosts):len(s.table.Hosts)], s.waiting...)
		table := s.table
		s.server.Apply(&table)
	}
	s.mu.Unlock()
	return s.loopback.DialContext(ctx, network, address)
}

func (s *slow) Installation() (subject.Installation, error) {
	return subject.Installation{IngressClass: "slow", ServesLater: true}, nil
}

func (s *slow) Pod(context.Context) (corev1.Pod, error) {
	return corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ingress", Name: "controller-0"}}, nil
}

// entry of requests.
func entry() client.Entry {
	return client.Entry{HTTP: netip.MustParseAddrPort(nodeAddress + ":30080"), HTTPS: netip.MustParseAddrPort(nodeAddress + ":30443")}
}

// wait applies Ingresses of the names, whose hosts are NAME.slow.test, and waits until they are served.
func (s *slow) wait(t *testing.T, policy subject.WaitPolicy, names ...string) (readiness *subject.Readiness, note string, took time.Duration) {
	t.Helper()
	api := s.loopback.subjectCluster(t).Objects
	readiness = subject.NewReadiness(api, s, policy, &subject.Markers{
		Client: s,
		Backend: func(context.Context) (subject.MarkerBackend, error) {
			return subject.MarkerBackend{Namespace: "default", Service: "echo"}, nil
		},
	})
	readiness.SetDeployed(nil, entry())
	var ingresses []*unstructured.Unstructured
	for _, name := range names {
		applied, err := api.Apply(t.Context(), &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": map[string]any{"name": name},
			"spec": map[string]any{"rules": []any{map[string]any{"host": name + ".slow.test"}}},
		}}, "default")
		if err != nil {
			t.Fatal(err)
		}
		ingresses = append(ingresses, applied)
	}
	started := time.Now()
	note, err := readiness.Wait(t.Context(), ingresses)
	if err != nil {
		t.Fatal(err)
	}
	return readiness, note, time.Since(started)
}

func (s *slow) status(t *testing.T, host string) int {
	t.Helper()
	resolver := &client.Resolver{}
	resolver.SetEntry(entry())
	outside := client.Client{Dialer: s, Resolver: resolver}
	exchange, err := outside.Do(t.Context(), client.Request{Method: "GET", URL: "http://" + host + "/"})
	if err != nil {
		t.Fatal(err)
	}
	return exchange.Status
}

// A controller that takes up Ingresses late and publishes no addresses costs what it takes, not the time that addresses may take, and
// isn't accused of what it answers before.
func TestSlowController(t *testing.T) {
	t.Parallel()
	s := newSlow(t, 5, "")
	readiness, note, took := s.wait(t, subject.WaitPolicy{Settle: time.Millisecond}, "shop", "blog")
	if note != "" || len(readiness.Findings()) > 0 {
		t.Errorf("note %q, findings %q", note, readiness.Findings())
	}
	if limit := 10 * time.Second; took > limit { // half of the time that the first address may take
		t.Errorf("it took %s", took)
	}
	for _, host := range []string{"shop.slow.test", "blog.slow.test"} {
		if status := s.status(t, host); status != 200 {
			t.Errorf("%s: %d", host, status)
		}
	}
}

// An Ingress that the controller rejects was never taken up.
func TestRejectedIngress(t *testing.T) {
	t.Parallel()
	s := newSlow(t, 3, "wrong")
	_, note, _ := s.wait(t, subject.WaitPolicy{Settle: time.Millisecond}, "shop", "wrong")
	if !strings.HasPrefix(note, "Ingress default/wrong was never taken up: ") || strings.Contains(note, "shop") {
		t.Errorf("note %q", note)
	}
}

// A controller that serves no marker is waited for by addresses.
func TestMarkerThatIsNotServed(t *testing.T) {
	t.Parallel()
	s := newSlow(t, -1, "")
	policy := subject.WaitPolicy{First: time.Millisecond, Next: 300 * time.Millisecond, Settle: time.Millisecond}
	readiness, note, _ := s.wait(t, policy, "shop")
	if !strings.Contains(note, "didn't serve an Ingress that was applied after Ingress default/shop within 300ms") {
		t.Errorf("note %q", note)
	}
	if findings := readiness.Findings(); len(findings) != 1 || !strings.Contains(findings[0], "waited for by the address") {
		t.Errorf("findings %q", findings)
	}
}
