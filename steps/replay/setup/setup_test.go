package setup_test

import (
	"crypto/tls"
	"crypto/x509"
	"io/fs"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	records "github.com/ingress-testbed/testbed/fixtures/record"
	"github.com/ingress-testbed/testbed/steps/replay/record"
	"github.com/ingress-testbed/testbed/steps/replay/setup"
)

func parsed(t *testing.T) *setup.Setup {
	t.Helper()
	content, err := fs.ReadFile(records.IngressNginx(), record.SetupFile)
	if err != nil {
		t.Fatal(err)
	}
	s, err := setup.Parse(content)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func pod(app, address string) corev1.Pod {
	return corev1.Pod{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": app}}, Status: corev1.PodStatus{PodIP: address}}
}

// Services of a case's namespace have no selector: their endpoints are the backends' Pods in another namespace.
func TestServicesLeadToTheBackends(t *testing.T) {
	t.Parallel()
	pods := []corev1.Pod{pod("a", "10.0.0.1"), pod("m", "10.0.0.2"), pod("m", "10.0.0.3"), pod("probe", "10.0.0.4")}
	objects, err := parsed(t).ServicesIn("case", []string{"a", "m", "refusing", "empty", "mixed", "extname"}, pods)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, object := range objects {
		switch o := object.(type) {
		case *corev1.Service:
			if len(o.Spec.Selector) > 0 || o.Namespace != "case" {
				t.Errorf("Service %s/%s has the selector %v", o.Namespace, o.Name, o.Spec.Selector)
			}
			if o.Name == "extname" && o.Spec.ExternalName != "a.case.svc.cluster.local" {
				t.Errorf("extname leads to %s", o.Spec.ExternalName)
			}
		case *discoveryv1.EndpointSlice:
			service := o.Labels[discoveryv1.LabelServiceName]
			for _, endpoint := range o.Endpoints {
				for _, address := range endpoint.Addresses {
					got[service] = append(got[service], address+":"+portOf(o))
				}
			}
		}
	}
	for service, want := range map[string][]string{
		"a": {"10.0.0.1:8080"}, "m": {"10.0.0.2:8080", "10.0.0.3:8080"}, "refusing": {"10.0.0.4:9"}, "empty": nil,
		"mixed": {"10.0.0.1:8080", "10.0.0.4:9"}, "extname": nil,
	} {
		if !slices.Equal(got[service], want) {
			t.Errorf("%s leads to %v, want %v", service, got[service], want)
		}
	}
	if _, err := parsed(t).ServicesIn("case", []string{"mixed"}, nil); err == nil {
		t.Error("an address of a Pod that doesn't exist gives no error")
	}
}

func portOf(slice *discoveryv1.EndpointSlice) string {
	if *slice.Ports[0].Port == 9 {
		return "9"
	}
	return "8080"
}

func TestNeededServicesAreWordsOfTheObjects(t *testing.T) {
	t.Parallel()
	one := &record.Case{Objects: []record.Object{{"kind": "Ingress", "metadata": map[string]any{
		"name": "x", "annotations": map[string]any{"nginx.ingress.kubernetes.io/default-backend": "b"},
	}, "spec": map[string]any{"rules": []any{map[string]any{"service": "m-aff2"}}}}}}
	if got := parsed(t).Needed(one); !slices.Equal(got, []string{"b", "m-aff2"}) {
		t.Errorf("%v", got)
	}
}

func TestOtherKindsAreRefused(t *testing.T) {
	t.Parallel()
	for manifest, want := range map[string]string{
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n": "the kind ConfigMap",
		"a: b\n": "decoding an object",
		"a: [\n": "reading setup.yaml",
	} {
		if _, err := setup.Parse([]byte(manifest)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want an error with %q", manifest, err, want)
		}
	}
	if s, err := setup.Parse([]byte("# nothing\n---\n")); err != nil || len(s.Services) > 0 {
		t.Errorf("%v, %v", s, err)
	}
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	whole := &record.Record{
		About: record.About{Secrets: []record.Secret{
			{Name: "cert", Hosts: []string{"a.test", "*.b.test"}}, {Name: "ca", Authority: "the-ca"}, {Name: "auth", Data: map[string]string{"k": "v"}},
		}},
		Areas: []record.Area{{Cases: []record.Case{{Requests: []record.Request{{ClientCertificate: "alice"}}}}}},
	}
	made, err := setup.NewSecrets(whole)
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]*corev1.Secret{}
	for _, secret := range made.In("case") {
		if secret.Namespace != "case" {
			t.Errorf("%s is in %q", secret.Name, secret.Namespace)
		}
		byName[secret.Name] = secret
	}
	pair, err := tls.X509KeyPair(byName["cert"].Data["tls.crt"], byName["cert"].Data["tls.key"])
	if err != nil {
		t.Fatal(err)
	}
	if leaf := pair.Leaf; leaf.Subject.CommonName != "cert" || leaf.VerifyHostname("a.test") != nil || leaf.VerifyHostname("x.b.test") != nil {
		t.Errorf("the certificate is of %s for %v", leaf.Subject, leaf.DNSNames)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(byName["ca"].Data["ca.crt"]) {
		t.Error("the authority has no certificate")
	}
	alice := made.Clients["alice"]
	if _, err := alice.Leaf.Verify(x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
		t.Errorf("alice's certificate is not the authority's: %v", err)
	}
	if alice.Leaf.Subject.String() != "CN=alice" || alice.Leaf.Issuer.String() != "CN=the-ca" {
		t.Errorf("%s by %s", alice.Leaf.Subject, alice.Leaf.Issuer)
	}
	if string(byName["auth"].Data["k"]) != "v" || !slices.Equal(made.Certificates, []string{"cert"}) {
		t.Errorf("%v, %v", byName["auth"].Data, made.Certificates)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {selector: {app: a}, ports: [{port: 80}]}\n"))
	f.Fuzz(func(t *testing.T, manifests []byte) {
		s, err := setup.Parse(manifests)
		if err != nil {
			return
		}
		var names []string
		for _, service := range s.Services {
			names = append(names, service.Name)
		}
		if _, err := s.ServicesIn("n", names, []corev1.Pod{pod("a", "10.0.0.1")}); err != nil && !strings.Contains(err.Error(), "no Pod") {
			t.Errorf("%v", err)
		}
	})
}
