package app_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/ingress-testbed/testbed/controller/app"
	"github.com/ingress-testbed/testbed/controller/kube/kubetest"
)

const (
	patience = 10 * time.Second
	class    = "nginx"
)

// world is a running controller and what is around it.
type world struct {
	t         *testing.T
	client    *fake.Clientset
	listening app.Addresses
	terminate context.CancelFunc
	ended     chan struct{}
	err       error // of the controller, once ended is closed
	http      *http.Client
}

// start runs a controller until the test ends, with settings that may be changed.
func start(t *testing.T, changes ...func(*app.Options)) *world {
	t.Helper()
	t.Parallel()
	w := &world{t: t, ended: make(chan struct{})}
	w.client = kubetest.NewClientset(
		&networkingv1.IngressClass{
			ObjectMeta: metav1.ObjectMeta{Name: class},
			Spec:       networkingv1.IngressClassSpec{Controller: app.Defaults().ControllerClass},
		},
		&corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: "ingress", Name: "controller"},
			Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort, ClusterIP: "10.10.200.170"},
		},
		controllerPod("controller-1"),
	)
	options := app.Defaults()
	options.HTTPPort, options.HTTPSPort, options.HealthzPort, options.StatusPort = 0, 0, 0, 0
	options.ConfigMap = types.NamespacedName{Namespace: "ingress", Name: "controller"}
	options.PublishService = types.NamespacedName{Namespace: "ingress", Name: "controller"}
	options.Pod = types.NamespacedName{Namespace: "ingress", Name: "controller-1"}
	options.ShutdownGracePeriod = 100 * time.Millisecond
	options.AccessLog = io.Discard
	for _, change := range changes {
		change(&options)
	}

	ctx, cancel := context.WithCancel(context.Background())
	w.terminate = cancel
	listening := make(chan app.Addresses, 1)
	go func() {
		defer close(w.ended)
		w.err = app.RunWith(ctx, options, w.client, func(addresses app.Addresses) { listening <- addresses })
	}()
	select {
	case w.listening = <-listening:
	case <-w.ended:
		t.Fatalf("the controller did not start: %v", w.err)
	}
	transport := &http.Transport{DisableKeepAlives: true, DialContext: w.dial, DialTLSContext: w.dialTLS}
	w.http = &http.Client{
		Transport:     transport,
		Timeout:       patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(func() {
		cancel()
		if err := w.wait(); err != nil {
			t.Errorf("the controller ended with %v", err)
		}
		checkRights(t, w.client.Actions())
	})
	return w
}

func (w *world) wait() error {
	w.t.Helper()
	select {
	case <-w.ended:
		return w.err
	case <-time.After(patience):
		w.t.Fatal("the controller did not end")
		return nil
	}
}

func (w *world) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	var dialer net.Dialer
	return dialer.DialContext(ctx, network, loopback(w.listening.Plain))
}

func (w *world) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	dialer := tls.Dialer{Config: &tls.Config{ServerName: host, InsecureSkipVerify: true}}
	return dialer.DialContext(ctx, network, loopback(w.listening.Secure))
}

func loopback(address net.Addr) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(address.(*net.TCPAddr).Port))
}

type reply struct {
	status int
	header http.Header
	body   string
}

func (w *world) get(host, path string, headers ...string) reply {
	return w.ask("http", host, path, headers)
}
func (w *world) getTLS(host, path string) reply { return w.ask("https", host, path, nil) }

func (w *world) ask(scheme, host, path string, headers []string) reply {
	request, err := http.NewRequest(http.MethodGet, scheme+"://"+host+path, nil)
	if err != nil {
		w.t.Error(err)
		return reply{}
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := w.http.Do(request)
	if err != nil {
		return reply{body: err.Error()}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return reply{body: err.Error()}
	}
	return reply{response.StatusCode, response.Header, string(body)}
}

// expect waits for an answer with a status and, if it is not empty, a beginning of the body.
func (w *world) expect(host, path string, status int, body string) {
	w.t.Helper()
	w.eventually(func() error {
		got := w.get(host, path)
		if got.status != status || !strings.HasPrefix(got.body, body) {
			return fmt.Errorf("GET http://%s%s: %d %q, want %d %q", host, path, got.status, got.body, status, body)
		}
		return nil
	})
}

func (w *world) certificate(host string) *x509.Certificate {
	w.t.Helper()
	conn, err := w.dialTLS(context.Background(), "tcp", host+":443")
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close()
	return conn.(*tls.Conn).ConnectionState().PeerCertificates[0]
}

func (w *world) health(path string) (status int, body string) {
	w.t.Helper()
	response, err := http.Get("http://" + loopback(w.listening.Health) + path)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func (w *world) eventually(check func() error) {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func want[T any](what string, got, wanted T) error {
	if diff := cmp.Diff(wanted, got); diff != "" {
		return fmt.Errorf("%s (-want +got):\n%s", what, diff)
	}
	return nil
}

// backend makes a Service with one endpoint for each answer, or replaces its endpoints.
func (w *world) backend(name string, answers ...string) {
	w.t.Helper()
	var handlers []http.Handler
	for _, answer := range answers {
		handlers = append(handlers, http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) {
			io.WriteString(out, answer)
		}))
	}
	w.service(name, handlers...)
}

type slowBackend struct {
	asked  chan struct{} // closed when a request is there
	finish func()        // lets it have its answer
}

func (w *world) slowBackend(name string) slowBackend {
	asked, finish := make(chan struct{}), make(chan struct{})
	w.service(name, http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) {
		close(asked)
		<-finish
		io.WriteString(out, name)
	}))
	return slowBackend{asked: asked, finish: sync.OnceFunc(func() { close(finish) })}
}

func (w *world) service(name string, handlers ...http.Handler) {
	w.t.Helper()
	w.serviceOf(name, (*httptest.Server).Start, handlers...)
}

// serviceOf makes a Service whose backends are started by the caller.
func (w *world) serviceOf(name string, start func(*httptest.Server), handlers ...http.Handler) {
	w.t.Helper()
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "default", Labels: map[string]string{discoveryv1.LabelServiceName: name}, Name: name,
			ResourceVersion: strconv.FormatInt(time.Now().UnixNano(), 10),
		},
		AddressType: discoveryv1.AddressTypeIPv4,
	}
	// A port is the same for all endpoints of a slice, so each endpoint has its own loopback address.
	port := 0
	for i, handler := range handlers {
		address := fmt.Sprintf("127.0.0.%d", i+1)
		listener, err := net.Listen("tcp", net.JoinHostPort(address, strconv.Itoa(port)))
		if err != nil {
			w.t.Fatal(err)
		}
		port = listener.Addr().(*net.TCPAddr).Port
		server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: handler}}
		start(server)
		w.t.Cleanup(server.Close)
		slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{Addresses: []string{address}})
	}
	portName, number := "http", int32(port)
	slice.Ports = []discoveryv1.EndpointPort{{Name: &portName, Port: &number}}
	w.put(&corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{
			{Name: portName, Port: 80, TargetPort: intstr.FromInt32(8080)},
		}},
	})
	w.put(slice)
}
