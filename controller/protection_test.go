package controller_test

import (
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"maps"
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

	"github.com/ingress-testbed/testbed/controller/config"
	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/controller/snapshot/snapshottest"
	"github.com/ingress-testbed/testbed/controller/translate"
	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// protection is a set of settings that keeps the test's client out.
type protection struct {
	annotations, settings map[string]string
	// faults are further values of one of the settings: wrong ones, Secrets and servers that are not there.
	faults map[string][]string
}

// protections has every setting that restricts access, with every fault that it may have. The client is 127.0.0.1, and
// has no password, no certificate and no TLS.
func protections() map[string]protection {
	basic := map[string]string{"auth-type": "basic", "auth-secret": "users"}
	external := map[string]string{"auth-url": "http://10.9.0.1/401"}
	mutual := map[string]string{"auth-tls-secret": "ns/authorities"}
	with := func(settings map[string]string, more ...string) map[string]string {
		all := maps.Clone(settings)
		for i := 0; i < len(more); i += 2 {
			all[more[i]] = more[i+1]
		}
		return all
	}
	servers := []string{
		"http://10.9.0.1/403", "http://10.9.0.1/500", "http://10.9.0.1/302", "http://10.9.0.2/", "http://10.9.0.3/", "http://missing.example/",
		"http://auth.ns.svc/", "http://127.0.0.1/", "http://$host/", "not a url", "https://10.9.0.1/200", "http://10.9.0.1/200$unknown", "ftp://10.9.0.1/200",
	}
	secrets := []string{"missing", "empty", "other/users", "wrong", "a/b/c"}
	return map[string]protection{
		"whitelist-source-range": {
			annotations: map[string]string{"whitelist-source-range": "10.0.0.0/8"},
			faults:      map[string][]string{"whitelist-source-range": {"", "garbage", "10.0.0.0/99", ",", "::/0"}},
		},
		"allowlist-source-range": {
			annotations: map[string]string{"allowlist-source-range": "10.0.0.0/8"},
			faults:      map[string][]string{"allowlist-source-range": {"", "garbage"}, "whitelist-source-range": {"127.0.0.1", "garbage"}},
		},
		"denylist-source-range": {
			annotations: map[string]string{"denylist-source-range": "127.0.0.0/8"},
			faults:      map[string][]string{"denylist-source-range": {"garbage", "127.0.0.0/8 10.0.0.0/8"}},
		},
		"auth-type": {
			annotations: with(basic),
			faults: map[string][]string{
				"auth-type": {"digest", "none"}, "auth-secret": secrets, "auth-secret-type": {"auth-map", "file"}, "satisfy": {"some"},
			},
		},
		"auth-secret without auth-type": {annotations: map[string]string{"auth-secret": "users"}},
		"auth-type without auth-secret": {annotations: map[string]string{"auth-type": "basic"}},
		"satisfy": {
			annotations: with(basic, "satisfy", "any", "whitelist-source-range", "10.0.0.0/8"),
			faults:      map[string][]string{"satisfy": {"some"}, "whitelist-source-range": {"garbage"}, "auth-secret": secrets},
		},
		"satisfy any with a list of denied addresses": {annotations: with(basic, "satisfy", "any", "denylist-source-range", "10.0.0.0/8")},
		"auth-url": {
			annotations: with(external),
			faults: map[string][]string{
				"auth-url": servers, "auth-method": {"NONE"}, "auth-signin": {"login"}, "auth-response-headers": {"two words"},
				"auth-cache-key": {"$unknown"}, "auth-cache-duration": {"soon"}, "auth-request-redirect": {"$unknown"},
				"auth-snippet": {"deny all;"}, "auth-proxy-set-headers": {"ns/headers"}, "auth-signin-redirect-param": {"a b"},
			},
		},
		"auth-signin without auth-url": {annotations: map[string]string{"auth-signin": "https://login.example/"}},
		"auth-tls-secret": {
			annotations: with(mutual),
			faults: map[string][]string{
				"auth-tls-secret": secrets, "auth-tls-verify-client": {"yes"}, "auth-tls-verify-depth": {"deep"}, "auth-tls-match-cn": {"("},
				"auth-tls-error-page": {"page"},
			},
		},
		"auth-tls-match-cn": {annotations: with(mutual, "auth-tls-verify-client", "optional", "auth-tls-match-cn", "CN=alice")},
		"auth-tls-verify-client without auth-tls-secret": {annotations: map[string]string{"auth-tls-verify-client": "on"}},
		"limit-rps":              {annotations: map[string]string{"limit-rps": "many"}},
		"limit-rpm":              {annotations: map[string]string{"limit-rpm": "many"}},
		"limit-connections":      {annotations: map[string]string{"limit-connections": "many"}},
		"limit-burst-multiplier": {annotations: map[string]string{"limit-rps": "1", "limit-burst-multiplier": "many"}},
		"limit-whitelist":        {annotations: map[string]string{"limit-rps": "1", "limit-whitelist": "garbage"}},
		"a misspelt annotation":  {annotations: map[string]string{"auth-ulr": "http://10.9.0.1/200"}},
		"configuration-snippet":  {annotations: map[string]string{"configuration-snippet": "deny all;"}},
		"enable-modsecurity":     {annotations: map[string]string{"enable-modsecurity": "true"}},
		"ConfigMap whitelist-source-range": {
			settings: map[string]string{"whitelist-source-range": "10.0.0.0/8"},
			faults:   map[string][]string{"whitelist-source-range": {"garbage", "10.0.0.0/99"}},
		},
		"ConfigMap denylist-source-range": {
			settings: map[string]string{"denylist-source-range": "127.0.0.0/8"},
			faults:   map[string][]string{"denylist-source-range": {"garbage"}},
		},
		"ConfigMap block-cidrs": {
			settings: map[string]string{"block-cidrs": "127.0.0.0/8"}, faults: map[string][]string{"block-cidrs": {"garbage"}},
		},
		"ConfigMap block-user-agents": {
			settings: map[string]string{"block-user-agents": "~^Go-"}, faults: map[string][]string{"block-user-agents": {"~(", "~*("}},
		},
		"ConfigMap block-referers": {
			settings: map[string]string{"block-referers": "~^http://spam"}, faults: map[string][]string{"block-referers": {"~("}},
		},
		"ConfigMap global-auth-url": {
			settings: map[string]string{"global-auth-url": "http://10.9.0.1/401"},
			faults: map[string][]string{
				"global-auth-url": servers, "global-auth-method": {"NONE"}, "global-auth-signin": {"login"}, "global-auth-snippet": {"deny all;"},
			},
		},
		"ConfigMap http-snippet":       {settings: map[string]string{"http-snippet": "deny all;"}},
		"ConfigMap enable-modsecurity": {settings: map[string]string{"enable-modsecurity": "true"}},
	}
}

// TestProtectedPathsAreNeverServedOpen sends requests to each protection, with each of its faults, in several situations: no
// backend gets one.
func TestProtectedPathsAreNeverServedOpen(t *testing.T) {
	for name, p := range protections() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			neverServed(t, p.annotations, p.settings)
			for setting, values := range p.faults {
				for _, value := range values {
					annotations, settings := maps.Clone(p.annotations), maps.Clone(p.settings)
					if p.settings != nil {
						settings[setting] = value
					} else {
						annotations[setting] = value
					}
					neverServed(t, annotations, settings)
				}
			}
		})
	}
}

// TestTheClientIsServedWithoutProtection shows that the others fail because of what they are about.
func TestTheClientIsServedWithoutProtection(t *testing.T) {
	for _, annotations := range []map[string]string{
		nil, {"whitelist-source-range": "127.0.0.1"}, {"auth-url": "http://10.9.0.1/200"}, {"denylist-source-range": "10.0.0.0/8"}, {"limit-rps": "100"},
	} {
		p := newProtected(t, annotations, nil)
		p.apply()
		if status := p.request("/"); status != http.StatusOK || p.served.Load() != 1 {
			t.Errorf("%v: got %d", annotations, status)
		}
	}
}

func neverServed(t *testing.T, annotations, settings map[string]string) {
	t.Helper()
	p := newProtected(t, annotations, settings)
	p.apply()
	for _, path := range []string{"/", "/a", "//", "/%2e%2e/a", "/.well-known/acme-challenge/x"} {
		p.refused(path)
	}
	// A younger Ingress for the same path, without protection, changes nothing, while tables are swapped all the time.
	younger := p.ingress("younger", "/", nil)
	younger.CreationTimestamp = metav1.NewTime(time.Unix(2000, 0))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 6 {
			p.store.Add(p.ingress(fmt.Sprint("other-", i), fmt.Sprint("/other/", i), annotations))
			if i == 3 {
				p.store.Add(younger)
			}
			p.apply()
		}
	}()
	for swapping := true; swapping; {
		select {
		case <-done:
			swapping = false
		default:
		}
		p.refused("/")
	}
	if t.Failed() {
		t.Logf("annotations %q, settings %q", annotations, settings)
	}
}

// protected is a proxy with a protected Ingress, whose backend counts requests.
type protected struct {
	t      *testing.T
	store  *snapshottest.Store
	server *proxy.Server
	client *http.Client
	url    string
	served atomic.Int32
	age    int64
}

func newProtected(t *testing.T, annotations, settings map[string]string) *protected {
	t.Helper()
	p := &protected{t: t}
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
	p.store = snapshottest.NewStore(p.objects(settings)...)
	p.store.Add(p.ingress("main", "/", annotations))
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

func (p *protected) objects(settings map[string]string) []runtime.Object {
	meta := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: "ns", Name: name} }
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: meta("web"), Ports: []discoveryv1.EndpointPort{{Name: ptr.To(""), Port: ptr.To(int32(80))}},
		Endpoints: []discoveryv1.Endpoint{{Addresses: []string{"10.0.0.1"}}},
	}
	slice.Labels = map[string]string{discoveryv1.LabelServiceName: "web"}
	return []runtime.Object{
		&corev1.Service{ObjectMeta: meta("web"), Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}}, slice,
		&corev1.Service{ObjectMeta: meta("auth"), Spec: corev1.ServiceSpec{ClusterIP: "10.9.0.2", Ports: []corev1.ServicePort{{Port: 80}}}},
		&corev1.Secret{ObjectMeta: meta("users"), Data: map[string][]byte{"auth": []byte("alice:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=")}},
		&corev1.Secret{ObjectMeta: meta("wrong"), Data: map[string][]byte{"auth": []byte("alice:secret"), "ca.crt": []byte("secret")}},
		&corev1.Secret{ObjectMeta: meta("empty")},
		&corev1.Secret{ObjectMeta: meta("authorities"), Data: map[string][]byte{"ca.crt": authorityPEM(p.t)}},
		&corev1.ConfigMap{ObjectMeta: meta("settings"), Data: settings},
	}
}

func (p *protected) ingress(name, path string, annotations map[string]string) *networkingv1.Ingress {
	p.age++
	ingress := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{
		Namespace: "ns", Name: name, CreationTimestamp: metav1.NewTime(time.Unix(1000+p.age, 0)), Annotations: map[string]string{},
	}}
	for key, value := range annotations {
		ingress.Annotations[config.DefaultPrefix+"/"+key] = value
	}
	backend := networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{
		Name: "web", Port: networkingv1.ServiceBackendPort{Number: 80},
	}}
	ingress.Spec.Rules = []networkingv1.IngressRule{{
		Host: "shop.example", IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{
			Paths: []networkingv1.HTTPIngressPath{{Path: path, Backend: backend}},
		}},
	}}
	return ingress
}

func (p *protected) apply() {
	result := translate.Translate(snapshot.Take(p.store, snapshot.Settings{
		WithoutClass: true, ConfigMap: types.NamespacedName{Namespace: "ns", Name: "settings"},
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

func (p *protected) request(path string) (status int) {
	request, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.url+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	request.Host = "shop.example"
	for name, value := range map[string]string{
		"Referer": "http://spam.example/", "X-Forwarded-For": "10.0.0.1", "X-Real-IP": "10.0.0.1", "ssl-client-verify": "SUCCESS",
		"Authorization": "Basic YWxpY2U6d3Jvbmc=",
	} {
		request.Header.Set(name, value)
	}
	response, err := p.client.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

func (p *protected) refused(path string) {
	status := p.request(path)
	if p.served.Load() > 0 || status < 300 || status == http.StatusNotFound || status == http.StatusBadGateway {
		p.t.Errorf("%s is answered with %d, and the backend has served %d requests", path, status, p.served.Load())
	}
}

// authorityPEM is the certificate of an authority that has issued nothing.
func authorityPEM(t *testing.T) []byte {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS()
	defer server.Close()
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
}
