package generatedsecret_test

import (
	"crypto/tls"
	"crypto/x509"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/steps/generatedsecret"
)

// TestContent makes a Secret with all content. The hash is that of `htpasswd -nbs user password`.
func TestContent(t *testing.T) {
	authority, err := generatedsecret.Authority("web/shop")
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := generatedsecret.Server("web/shop", []string{"shop.example"}, authority)
	if err != nil {
		t.Fatal(err)
	}
	content := generatedsecret.Content{Certificate: certificate, Authority: authority, User: "user", Password: "password"}
	secret, err := content.Secret(types.NamespacedName{Namespace: "web", Name: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	if secret.Type != corev1.SecretTypeTLS || secret.Namespace != "web" || secret.Name != "shop" {
		t.Errorf("got the Secret %s/%s of type %s", secret.Namespace, secret.Name, secret.Type)
	}
	if diff := cmp.Diff("user:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n", string(secret.Data["auth"])); diff != "" {
		t.Error(diff)
	}
	pair, err := tls.X509KeyPair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(secret.Data["ca.crt"]) {
		t.Fatal("ca.crt has no certificate")
	}
	if _, err := pair.Leaf.Verify(x509.VerifyOptions{DNSName: "shop.example", Roots: roots}); err != nil {
		t.Error(err)
	}
}

func TestByUser(t *testing.T) {
	secret, err := generatedsecret.Content{User: "user", Password: "password", ByUser: true}.Secret(types.NamespacedName{Name: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]byte{"user": []byte("{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=")}
	if diff := cmp.Diff(want, secret.Data); diff != "" || secret.Type != corev1.SecretTypeOpaque {
		t.Errorf("type %s %s", secret.Type, diff)
	}
}

// TestClient requires that an authority verifies a client, and that a name of any length can be a common name.
func TestClient(t *testing.T) {
	authority, err := generatedsecret.Authority(strings.Repeat("long", 30))
	if err != nil {
		t.Fatal(err)
	}
	client, err := generatedsecret.Client("alice", authority)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(authority.X509)
	if _, err := client.X509.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
		t.Error(err)
	}
	if name := authority.X509.Subject.CommonName; len(name) > 64 || !strings.HasPrefix(name, "name-") {
		t.Errorf("got the common name %q", name)
	}
}
