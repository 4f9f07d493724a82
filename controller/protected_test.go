package controller_test

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/config"
	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/controller/snapshot/snapshottest"
	"github.com/ingress-testbed/testbed/controller/translate"
	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// protected is a proxy with an Ingress whose backend counts requests. The client is 127.0.0.1, uses plain text, and has the
// password "wrong".
type protected struct {
	t    *testing.T
	mode compatibility.Mode
	// annotations of the Ingress, without their prefix, and settings in the ConfigMap.
	annotations, settings map[string]string

	fixed  []runtime.Object
	server *proxy.Server
	client *http.Client
	url    string
	served atomic.Int32
}

func newProtected(t *testing.T, mode compatibility.Mode) *protected {
	t.Helper()
	p := &protected{t: t, mode: mode, fixed: protectedObjects(t)}
	backend := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { p.served.Add(1) }))
	auth := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var status int
		_, _ = fmt.Sscanf(r.URL.Path, "/%d", &status)
		w.WriteHeader(max(status, 200))
	}))
	odd, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go speakSMTP(odd)
	t.Cleanup(func() { backend.Close(); auth.Close(); odd.Close() })
	addresses := map[netip.Addr]string{
		netip.MustParseAddr("10.0.0.1"): backend.Listener.Addr().String(),
		netip.MustParseAddr("10.9.0.1"): auth.Listener.Addr().String(),
		netip.MustParseAddr("10.9.0.3"): odd.Addr().String(),
	}
	p.server, err = proxy.New(proxy.Config{
		Logger: slog.New(slog.DiscardHandler),
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			to, known := addresses[netip.MustParseAddrPort(address).Addr()]
			if !known {
				return nil, &net.OpError{Op: "dial", Net: network, Err: io.EOF}
			}
			return new(net.Dialer).DialContext(ctx, network, to)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	p.serve()
	return p
}

// speakSMTP answers connections with something else than HTTP.
func speakSMTP(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		_, _ = conn.Write([]byte("220 mail.example ESMTP\r\n"))
		conn.Close()
	}
}

func (p *protected) serve() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = p.server.Serve(ctx, listener, nil)
	}()
	transport := &http.Transport{}
	p.client = &http.Client{
		Transport: transport, Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	p.url = "http://" + listener.Addr().String()
	p.t.Cleanup(func() { transport.CloseIdleConnections(); stop(); <-ended })
}

func protectedObjects(t *testing.T) []runtime.Object {
	t.Helper()
	meta := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: "ns", Name: name} }
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: meta("web"), Ports: []discoveryv1.EndpointPort{{Name: ptr.To(""), Port: ptr.To(int32(80))}},
		Endpoints: []discoveryv1.Endpoint{{Addresses: []string{"10.0.0.1"}}},
	}
	slice.Labels = map[string]string{discoveryv1.LabelServiceName: "web"}
	hash := func(password string) []byte {
		sum := sha1.Sum([]byte(password))
		return []byte("alice:{SHA}" + base64.StdEncoding.EncodeToString(sum[:]))
	}
	return []runtime.Object{
		&corev1.Service{ObjectMeta: meta("web"), Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}}, slice,
		&corev1.Service{ObjectMeta: meta("auth"), Spec: corev1.ServiceSpec{ClusterIP: "10.9.0.2", Ports: []corev1.ServicePort{{Port: 80}}}},
		&corev1.Secret{ObjectMeta: meta("users"), Data: map[string][]byte{"auth": hash("secret")}},
		&corev1.Secret{ObjectMeta: meta("known"), Data: map[string][]byte{"auth": hash("wrong")}},
		&corev1.Secret{ObjectMeta: meta("invalid"), Data: map[string][]byte{"auth": []byte("alice:wrong"), "ca.crt": []byte("wrong")}},
		&corev1.Secret{ObjectMeta: meta("empty")},
		&corev1.Secret{ObjectMeta: meta("authorities"), Data: map[string][]byte{"ca.crt": authorityPEM(t)}},
	}
}

// ingress makes one for a path of the host. It is younger than the one with the annotations, which is "main".
func (p *protected) ingress(name, path string, annotations map[string]string) *networkingv1.Ingress {
	age := time.Unix(2000, 0)
	if name == "main" {
		age = time.Unix(1000, 0)
	}
	made := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{
		Namespace: "ns", Name: name, CreationTimestamp: metav1.NewTime(age), Annotations: map[string]string{},
	}}
	for key, value := range annotations {
		made.Annotations[config.DefaultPrefix+"/"+key] = value
	}
	backend := networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{
		Name: "web", Port: networkingv1.ServiceBackendPort{Number: 80},
	}}
	made.Spec.Rules = []networkingv1.IngressRule{{
		Host: "shop.example", IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{
			Paths: []networkingv1.HTTPIngressPath{{Path: path, Backend: backend}},
		}},
	}}
	return made
}

// apply serves the Ingress with the annotations, beside others.
func (p *protected) apply(others ...*networkingv1.Ingress) {
	p.t.Helper()
	store := snapshottest.NewStore(p.fixed...)
	store.Add(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "settings"}, Data: p.settings})
	store.Add(p.ingress("main", "/", p.annotations))
	for _, other := range others {
		store.Add(other)
	}
	result := translate.Translate(snapshot.Take(store, snapshot.Settings{
		WithoutClass: true, ConfigMap: types.NamespacedName{Namespace: "ns", Name: "settings"}, Compatibility: p.mode,
	}))
	for _, problem := range p.server.Apply(result.Table) {
		p.t.Errorf("the proxy refuses %v", problem)
	}
	if len(result.Table.Hosts) != 1 || !slices.ContainsFunc(result.Table.Hosts[0].Routes, func(r route.Route) bool {
		return r.Match.Path.Value == "/"
	}) {
		var table bytes.Buffer
		_ = result.Table.WriteText(&table)
		p.t.Errorf("the protected path has no route:\n%s", &table)
	}
}

// request returns the status that the client gets.
func (p *protected) request(path string) (status int) {
	request, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.url+path, nil)
	if err != nil {
		p.t.Errorf("making a request: %v", err)
		return 0
	}
	request.Host = "shop.example"
	request.SetBasicAuth("alice", "wrong")
	for name, value := range map[string]string{
		"Referer": "http://spam.example/", "X-Forwarded-For": "10.0.0.1", "X-Real-IP": "10.0.0.1", "ssl-client-verify": "SUCCESS",
	} {
		request.Header.Set(name, value)
	}
	response, err := p.client.Do(request)
	if err != nil {
		p.t.Errorf("requesting %s: %v", path, err)
		return 0
	}
	response.Body.Close()
	return response.StatusCode
}

// refused requires that the client is refused, and not for want of a route or an endpoint.
func (p *protected) refused(situation, path string) {
	p.t.Helper()
	status := p.request(path)
	if p.served.Load() > 0 || status < 300 || status == http.StatusNotFound || status == http.StatusBadGateway {
		p.t.Errorf("%s: %s is answered with %d, and the backend has served %d requests", situation, path, status, p.served.Load())
	}
}

// keepRequesting has a second client be refused until it is stopped.
func (p *protected) keepRequesting() (stop func()) {
	ctx, cancel := context.WithCancel(p.t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil && !p.t.Failed() {
			p.refused("during a swap", "/")
		}
	}()
	return func() { cancel(); <-ended }
}

// authorityPEM is the certificate of an authority that has issued nothing.
func authorityPEM(t *testing.T) []byte {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS()
	defer server.Close()
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
}
