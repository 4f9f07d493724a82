package load_test

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"

	"github.com/ingress-testbed/testbed/controller"
	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/controller/snapshot/snapshottest"
	"github.com/ingress-testbed/testbed/fixtures/certificates"
	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/steps/load"
)

// Environment variables for TestNoRequestIsLostInTableSwaps, for machines that carry more than those of CI.
const (
	rateVariable  = "LOAD_RATE"  // requests a second over each protocol
	swapsVariable = "LOAD_SWAPS" // how often the table changes
)

func setting(t *testing.T, variable string, otherwise int) int {
	t.Helper()
	value, err := strconv.Atoi(cmp.Or(os.Getenv(variable), strconv.Itoa(otherwise)))
	if err != nil || value < 1 {
		t.Fatalf("%s is not a number above 0: %q", variable, os.Getenv(variable))
	}
	return value
}

// swapping is a cluster of objects that change between the rounds of the controller's loop.
type swapping struct {
	objects map[string]runtime.Object
	last    *snapshot.Snapshot
	store   *snapshottest.Store

	changed chan struct{}
	change  controller.Change
	rounds  chan struct{}
}

func (s *swapping) Changed() <-chan struct{}                   { return s.changed }
func (s *swapping) Take() controller.Change                    { return s.change }
func (s *swapping) Observe(controller.Outcome)                 { s.rounds <- struct{}{} }
func (s *swapping) ObserveEndpoints(controller.EndpointUpdate) { s.rounds <- struct{}{} }

func (s *swapping) Snapshot() *snapshot.Snapshot {
	s.last = s.last.Next(s.store)
	return s.last
}

func (s *swapping) EndpointSlices(key types.NamespacedName) []*discoveryv1.EndpointSlice {
	return snapshot.EndpointSlicesOf(s.store, key)
}

// put replaces an object, or deletes it if it is nil.
func (s *swapping) put(name string, object runtime.Object) {
	s.objects[name] = object
	if object == nil {
		delete(s.objects, name)
	}
	var all []runtime.Object
	for _, object := range s.objects {
		all = append(all, object)
	}
	s.store = snapshottest.NewStore(all...)
}

// swap waits until a change is served.
func (s *swapping) swap(change controller.Change) {
	s.change = change
	s.changed <- struct{}{}
	<-s.rounds
}

func ingressFor(name, host string, annotations map[string]string) *networkingv1.Ingress {
	return &networkingv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, Annotations: annotations},
		Spec: networkingv1.IngressSpec{
			TLS: []networkingv1.IngressTLS{{Hosts: []string{host}, SecretName: "shop"}},
			Rules: []networkingv1.IngressRule{{Host: host, IngressRuleValue: networkingv1.IngressRuleValue{
				HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{{
					Path: "/", PathType: ptr.To(networkingv1.PathTypePrefix),
					Backend: networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{
						Name: "shop", Port: networkingv1.ServiceBackendPort{Number: 80},
					}},
				}}},
			}}},
		},
	}
}

func sliceOf(port int32, addresses ...string) *discoveryv1.EndpointSlice {
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "shop", Labels: map[string]string{discoveryv1.LabelServiceName: "shop"}},
		Ports:      []discoveryv1.EndpointPort{{Name: ptr.To("http"), Port: &port}},
	}
	for _, address := range addresses {
		slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{Addresses: []string{address}})
	}
	return slice
}

// backends listens on two addresses with the same port.
func backends(t *testing.T) (port int32) {
	t.Helper()
	for i, address := range []string{"127.0.0.1", "127.0.0.2"} {
		listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", net.JoinHostPort(address, strconv.Itoa(int(port))))
		if err != nil {
			t.Fatal(err)
		}
		port = int32(listener.Addr().(*net.TCPAddr).Port) //nolint:forcetypeassert // it is TCP
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Backend-Pod", fmt.Sprintf("pod-%d", i))
		}))
		server.Listener.Close()
		server.Listener = listener
		server.Start()
		t.Cleanup(server.Close)
	}
	return port
}

// TestNoRequestIsLostInTableSwaps changes the table of a controller and its proxy again and again while requests are made over
// HTTP and HTTPS, on kept and on new connections: endpoints go and come, the certificate is replaced, an annotation of the
// Ingress changes, and another Ingress is created and deleted.
//
//	LOAD_RATE=1000 LOAD_SWAPS=1000 go test ./steps/load -run TestNoRequestIsLostInTableSwaps -v
func TestNoRequestIsLostInTableSwaps(t *testing.T) {
	rate, swaps := setting(t, rateVariable, 100), setting(t, swapsVariable, 1000)
	port := backends(t)
	var secrets []*corev1.Secret
	for range 2 {
		pair, err := certificates.SelfSigned("shop.test")
		if err != nil {
			t.Fatal(err)
		}
		secrets = append(secrets, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "shop"},
			Data:       map[string][]byte{corev1.TLSCertKey: pair.Certificate, corev1.TLSPrivateKeyKey: pair.Key},
		})
	}
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "shop"},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromInt32(port)}}},
	}
	s := &swapping{
		objects: map[string]runtime.Object{"service": service, "secret": secrets[0], "slice": sliceOf(port, "127.0.0.1", "127.0.0.2")},
		last:    &snapshot.Snapshot{Settings: snapshot.Settings{WithoutClass: true}},
		changed: make(chan struct{}), rounds: make(chan struct{}, 1),
	}
	s.put("ingress", ingressFor("shop", "shop.test", map[string]string{"nginx.ingress.kubernetes.io/ssl-redirect": "false"}))
	plain, secure := serveSwapping(t, s)

	var runs []*load.Run
	for _, plan := range []load.Plan{
		{Targets: to("http://shop.test/")}, {Targets: to("http://shop.test/"), NewConnections: true},
		{Targets: to("https://shop.test/"), NewConnections: true}, {Targets: to("https://shop.test/"), HTTP2: true},
	} {
		plan.Schedule = load.Constant(float64(rate) / 4)
		run, err := load.Start(t.Context(), plan, func(ctx context.Context, network, address string) (net.Conn, error) {
			if _, port, _ := net.SplitHostPort(address); port == "443" {
				return (&net.Dialer{}).DialContext(ctx, network, secure)
			}
			return (&net.Dialer{}).DialContext(ctx, network, plain)
		})
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, run)
	}
	pace := time.NewTicker(2 * time.Millisecond)
	defer pace.Stop()
	for i := range swaps {
		<-pace.C
		change := controller.Change{Other: true}
		switch turn := i / 4 % 2; i % 4 {
		case 0:
			s.put("slice", sliceOf(port, [][]string{{"127.0.0.1"}, {"127.0.0.1", "127.0.0.2"}}[turn]...))
			change = controller.Change{Endpoints: []types.NamespacedName{snapshot.Key(service)}}
		case 1:
			s.put("secret", secrets[turn])
		case 2:
			s.put("ingress", ingressFor("shop", "shop.test", map[string]string{
				"nginx.ingress.kubernetes.io/ssl-redirect": "false", "nginx.ingress.kubernetes.io/proxy-read-timeout": strconv.Itoa(30 + turn),
			}))
		case 3:
			s.put("other", ingressFor("other", "other.test", nil))
			if turn == 1 {
				s.put("other", nil)
			}
		}
		s.swap(change)
	}
	for _, run := range runs {
		result := run.Stop()
		t.Logf("%s: %d requests, 99 %% within %s, slowest %s. %s", result.Plan, len(result.Outcomes),
			result.Latencies().Quantile(0.99), result.Latencies().Quantile(1), result.Bottleneck())
		if failed := result.Failed(); len(failed) > 0 || len(result.Outcomes) == 0 {
			t.Errorf("%s, the first: %+v", result.Summary(nil), failed)
		}
	}
}

// serveSwapping runs a controller's loop and its proxy, and returns the proxy's addresses when it serves the first table.
func serveSwapping(t *testing.T, s *swapping) (plain, secure string) {
	t.Helper()
	server, err := proxy.New(proxy.Config{})
	if err != nil {
		t.Fatal(err)
	}
	var listeners []net.Listener
	for range 2 {
		listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listeners = append(listeners, listener)
	}
	loop := &controller.Loop{
		Source: s, DataPlane: server, Clock: clock.RealClock{}, HoldOff: time.Microsecond,
		Observers: []controller.Observer{s}, EndpointObservers: []controller.EndpointObserver{s},
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() { loop.Run(ctx); ended <- nil }()
	go func() { ended <- server.Serve(ctx, listeners[0], listeners[1]) }()
	t.Cleanup(func() {
		stop()
		for range 2 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	})
	s.swap(controller.Change{Other: true})
	return listeners[0].Addr().String(), listeners[1].Addr().String()
}
