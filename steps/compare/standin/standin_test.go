package standin_test

import (
	"crypto/tls"
	"crypto/x509"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/fixtures/backends"
	"github.com/ingress-testbed/testbed/steps/compare/estate"
	"github.com/ingress-testbed/testbed/steps/compare/standin"
)

func ingress(name string, annotations map[string]string, services ...string) *networkingv1.Ingress {
	made := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: "web", Name: name, Annotations: map[string]string{}}}
	for key, value := range annotations {
		made.Annotations[estate.Prefix+key] = value
	}
	rule := networkingv1.IngressRule{Host: name + ".test", IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{}}}
	for _, service := range services {
		service, port, named := strings.Cut(service, ":")
		backend := networkingv1.IngressServiceBackend{Name: service, Port: networkingv1.ServiceBackendPort{Number: 80}}
		if named {
			backend.Port = networkingv1.ServiceBackendPort{Name: port}
		}
		rule.HTTP.Paths = append(rule.HTTP.Paths, networkingv1.HTTPIngressPath{Path: "/", Backend: networkingv1.IngressBackend{Service: &backend}})
	}
	made.Spec.Rules = []networkingv1.IngressRule{rule}
	return made
}

func service(namespace, name string, change func(*corev1.Service), ports ...corev1.ServicePort) *corev1.Service {
	made := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeClusterIP, Ports: ports, Selector: map[string]string{"app": name}},
	}
	if change != nil {
		change(made)
	}
	return made
}

func build(t *testing.T, options standin.Options, objects ...runtime.Object) *standin.StandIns {
	t.Helper()
	options.Namespace = "stand-ins"
	made, err := standin.Build(estate.New(objects, estate.Options{Settings: types.NamespacedName{Namespace: "ctl", Name: "settings"}}), options)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func find[T metav1.Object](t *testing.T, all []T, name string) T {
	t.Helper()
	at := slices.IndexFunc(all, func(object T) bool { return estate.Key(object).String() == name })
	if at < 0 {
		t.Fatalf("there is no %s", name)
	}
	return all[at]
}

func secret(t *testing.T, made *standin.StandIns, name string) *corev1.Secret {
	t.Helper()
	return find(t, made.Secrets, name)
}

// Each port of each Service has a port of the Pods, and the copies lead nowhere else.
func TestServices(t *testing.T) {
	t.Parallel()
	headless := func(s *corev1.Service) { s.Spec.ClusterIP = corev1.ClusterIPNone }
	external := func(s *corev1.Service) {
		s.Spec.Type, s.Spec.ExternalName, s.Spec.Selector = corev1.ServiceTypeExternalName, "legacy.example.com", nil
	}
	h2c := "kubernetes.io/h2c"
	made := build(t, standin.Options{},
		ingress("shop", map[string]string{"default-backend": "errors"}, "cart", "missing", "legacy", "errors"),
		func() runtime.Object {
			i := ingress("wiki", nil, "wiki", "wiki:admin")
			i.Namespace = "other"
			return i
		}(),
		service("web", "cart", headless, corev1.ServicePort{Name: "http", Port: 80, AppProtocol: &h2c},
			corev1.ServicePort{Name: "dns", Port: 53, Protocol: corev1.ProtocolUDP}),
		service("web", "legacy", external), service("web", "errors", nil, corev1.ServicePort{Port: 80}),
	)
	names := map[string]bool{}
	for number, name := range made.Backends {
		names[name] = true
		if number != backends.AuthPort && made.Backend("p"+strconv.Itoa(number)) != name {
			t.Errorf("port %d is %s, and the stand-in is %s", number, name, made.Backend("p"+strconv.Itoa(number)))
		}
	}
	want := map[string]bool{
		"authentication server": true, "web/cart:http": true, "web/legacy:80": true, "web/errors:80": true, "other/wiki:p80": true, "other/wiki:admin": true,
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("backends (-want +got):\n%s", diff)
	}
	cart := find(t, made.Services, "web/cart")
	if cart.Spec.ClusterIP != corev1.ClusterIPNone || len(cart.Spec.Ports) != 1 || *cart.Spec.Ports[0].AppProtocol != h2c || cart.Spec.Selector != nil ||
		cart.Spec.Ports[0].TargetPort.IntValue() != made.Port(estate.Key(cart), 80) {
		t.Errorf("%+v", cart.Spec)
	}
	if legacy := find(t, made.Services, "web/legacy"); !strings.HasSuffix(legacy.Spec.ExternalName, ".stand-ins.svc.cluster.local") {
		t.Errorf("requests leave the cluster for %s", legacy.Spec.ExternalName)
	}
	if slices.ContainsFunc(made.Services, func(s *corev1.Service) bool { return s.Name == "missing" }) {
		t.Error("a Service that the namespace lacks is made up, so that a mistake is hidden")
	}
	for _, note := range []string{
		"web/missing stay missing, because the input has other Services of their namespaces, but not these",
		"other/wiki are made up, because the input has no Service of their namespaces", "web/legacy lead to stand-ins in place of names outside the cluster",
	} {
		if !slices.Contains(made.Notes, note) {
			t.Errorf("no note %q in %q", note, made.Notes)
		}
	}
	endpoints := made.Slices([]string{"10.0.0.1", "10.0.0.2"})
	for _, slice := range endpoints {
		if len(slice.Endpoints) != 2 || len(slice.Ports) == 0 || slice.Labels["kubernetes.io/service-name"] == "legacy" {
			t.Errorf("%+v", slice)
		}
	}
	if first, last := made.Ports(); first != standin.FirstPort || last-first+1 != len(made.Backends)-1 {
		t.Errorf("ports %d to %d for %d backends", first, last, len(made.Backends)-1)
	}
}

// Secrets have what their Ingresses need, and nothing of the user's.
func TestSecrets(t *testing.T) {
	t.Parallel()
	shop := ingress("shop", map[string]string{
		"auth-secret": "users", "auth-tls-secret": "web/partners", "proxy-ssl-secret": "web/backend", "proxy-ssl-name": "internal.example.com",
	}, "cart")
	shop.Spec.TLS = []networkingv1.IngressTLS{{Hosts: []string{"shop.test", "*.shop.test"}, SecretName: "shop-tls"}, {SecretName: "all-tls"}}
	name := standin.ClientCertificate("partner-1", "web/partners")
	unknown := standin.ClientCertificate("client", "web/others")
	made := build(t, standin.Options{ClientCertificates: []string{name, unknown}},
		shop, ingress("admin", map[string]string{"auth-secret": "mapped", "auth-secret-type": "auth-map"}, "cart"),
		ingress("wrong", map[string]string{"auth-secret": "a/b/c"}, "cart"),
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "web", Name: "users"}, Data: map[string][]byte{"auth": []byte("root:of the user")}},
	)
	if len(made.Secrets) != 6 {
		t.Errorf("%d Secrets", len(made.Secrets))
	}
	for _, one := range made.Secrets {
		for key, value := range one.Data {
			if strings.Contains(string(value), "of the user") {
				t.Errorf("%s has the user's %s", one.Name, key)
			}
		}
	}
	if auth := string(secret(t, made, "web/users").Data["auth"]); !strings.HasPrefix(auth, standin.User+":{SHA}") {
		t.Errorf("htpasswd file %q", auth)
	}
	if mapped := secret(t, made, "web/mapped").Data; len(mapped) != 1 || !strings.HasPrefix(string(mapped[standin.User]), "{SHA}") {
		t.Errorf("auth-map: %q", mapped)
	}
	certificate := leaf(t, secret(t, made, "web/shop-tls"))
	if certificate.VerifyHostname("shop.test") != nil || certificate.VerifyHostname("a.shop.test") != nil || certificate.Subject.CommonName != "web/shop-tls" ||
		!slices.Contains(made.Certificates, "web/shop-tls") {
		t.Errorf("certificate of %s for %v; %v", certificate.Subject, certificate.DNSNames, made.Certificates)
	}
	if all := leaf(t, secret(t, made, "web/all-tls")); all.VerifyHostname("shop.test") != nil {
		t.Errorf("a tls section without hosts is for %v", all.DNSNames)
	}
	authority := secret(t, made, "web/partners")
	if authority.Type != corev1.SecretTypeOpaque || len(authority.Data) != 1 {
		t.Errorf("%s with %d keys", authority.Type, len(authority.Data))
	}
	verify(t, made.Clients[name], authority, x509.ExtKeyUsageClientAuth, true)
	verify(t, made.Clients[unknown], authority, x509.ExtKeyUsageClientAuth, false)
	backend := made.BackendCertificate
	verify(t, backend, secret(t, made, "web/backend"), x509.ExtKeyUsageServerAuth, true)
	if err := backend.Leaf.VerifyHostname("internal.example.com"); err != nil {
		t.Error(err)
	}
}

func leaf(t *testing.T, secret *corev1.Secret) *x509.Certificate {
	t.Helper()
	pair, err := tls.X509KeyPair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey])
	if err != nil || secret.Type != corev1.SecretTypeTLS {
		t.Fatalf("%s of type %s: %v", secret.Name, secret.Type, err)
	}
	return pair.Leaf
}

func verify(t *testing.T, certificate tls.Certificate, authority *corev1.Secret, usage x509.ExtKeyUsage, valid bool) {
	t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority.Data["ca.crt"]) {
		t.Fatalf("%s has no authority", authority.Name)
	}
	parsed, err := x509.ParseCertificate(certificate.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parsed.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{usage}}); (err == nil) != valid {
		t.Errorf("%s by %s: %v", parsed.Subject, authority.Name, err)
	}
}

// Settings that lead outside lead to stand-ins, and what isn't a URL stays a mistake.
func TestRewriting(t *testing.T) {
	t.Parallel()
	made := build(t, standin.Options{Allowed: "127.65.0.0/16", Denied: "127.66.0.0/16"},
		ingress("sso", map[string]string{"auth-url": "https://$host/oauth2/auth?x=1", "mirror-target": "https://copy.example.com$request_uri"}, "a"),
		ingress("wrong", map[string]string{"auth-url": "not a URL", "whitelist-source-range": " "}, "a"),
		ingress("lists", map[string]string{"whitelist-source-range": "10.0.0.0/8", "denylist-source-range": "192.0.2.1"}, "a"),
		&corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Namespace: "ctl", Name: "settings"},
			Data:       map[string]string{"global-auth-url": "http://auth.example.com", "whitelist-source-range": "10.0.0.0/8"},
		},
	)
	for _, c := range []struct{ ingress, annotation, want string }{
		{"sso", "auth-url", "http://auth.stand-ins.svc.cluster.local/oauth2/auth?x=1"}, {"wrong", "auth-url", "not a URL"}, {"wrong", "whitelist-source-range", ""},
		{"lists", "whitelist-source-range", "10.0.0.0/8,127.65.0.0/16"}, {"lists", "denylist-source-range", "192.0.2.1,127.66.0.0/16"},
	} {
		if got, _ := estate.Annotation(find(t, made.Ingresses, "web/"+c.ingress), c.annotation); got != c.want {
			t.Errorf("%s of %s: %q, want %q", c.annotation, c.ingress, got, c.want)
		}
	}
	if got, _ := estate.Annotation(find(t, made.Ingresses, "web/sso"), "mirror-target"); !strings.HasPrefix(got, "http://mirror.stand-ins.svc.cluster.local/") {
		t.Errorf("mirror-target %q", got)
	}
	want := map[string]string{"global-auth-url": "http://auth.stand-ins.svc.cluster.local/", "whitelist-source-range": "10.0.0.0/8,127.65.0.0/16"}
	if diff := cmp.Diff(want, made.Settings.Data); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	auth := find(t, made.Services, "stand-ins/auth")
	if got := made.Port(estate.Key(auth), 80); got != backends.AuthPort {
		t.Errorf("the authentication server is at port %d", got)
	}
}

// The input isn't changed: other targets get the same objects.
func TestTheEstateStaysAsItIs(t *testing.T) {
	t.Parallel()
	e := estate.New([]runtime.Object{ingress("sso", map[string]string{"auth-url": "https://auth.example.com/"}, "a"), service("web", "a", nil, corev1.ServicePort{Port: 80})}, estate.Options{})
	before := e.Ingresses[0].DeepCopy()
	if _, err := standin.Build(e, standin.Options{Namespace: "stand-ins"}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, e.Ingresses[0]); diff != "" {
		t.Error(diff)
	}
	if e.Services[types.NamespacedName{Namespace: "web", Name: "a"}].Spec.Selector == nil {
		t.Error("a Service has lost its selector")
	}
}

func TestClientCertificateNames(t *testing.T) {
	t.Parallel()
	commonName, of := standin.ParseClientCertificate(standin.ClientCertificate("a of b", "web/ca"))
	if commonName != "a of b" || of != "web/ca" {
		t.Errorf("%q of %q", commonName, of)
	}
}
