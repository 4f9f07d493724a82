package pki

import (
	"crypto/tls"
	"crypto/x509"
	"net/netip"
	"path/filepath"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
)

func TestIssuedCertificateIsTrustedForItsNames(t *testing.T) {
	ca, err := NewAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	id := Identity{
		File: "apiserver", User: "kube-apiserver", Groups: []string{"system:masters"},
		Names: []string{"kubernetes"}, Addresses: []netip.Addr{netip.MustParseAddr("10.10.200.1")},
	}
	if err := ca.Issue(id); err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(ca.Cert("apiserver"), ca.Key("apiserver"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca.PEM)
	for _, tc := range []struct {
		host string
		want bool
	}{{"kubernetes", true}, {"10.10.200.1", true}, {"10.10.200.2", false}, {"example.com", false}} {
		_, err := pair.Leaf.Verify(x509.VerifyOptions{DNSName: tc.host, Roots: roots})
		if (err == nil) != tc.want {
			t.Errorf("trusted for %s: %v, want %v (%v)", tc.host, err == nil, tc.want, err)
		}
	}
	if got := pair.Leaf.Subject.Organization; len(got) != 1 || got[0] != "system:masters" {
		t.Errorf("groups: %v", got)
	}
}

func TestKubeconfigCarriesItsOwnKeys(t *testing.T) {
	ca, err := NewAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	id := Identity{File: "admin", User: "admin", Groups: []string{"system:masters"}}
	if err := ca.Issue(id); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := ca.WriteKubeconfig(path, "testbed", "https://192.168.10.10:6443", id); err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		t.Fatal(err)
	}
	if config.Host != "https://192.168.10.10:6443" || len(config.CertData) == 0 || len(config.KeyData) == 0 {
		t.Errorf("host %q, %d bytes of certificate, %d of key", config.Host, len(config.CertData), len(config.KeyData))
	}
	if !config.DisableCompression {
		t.Error("the API server compresses its responses")
	}
}
