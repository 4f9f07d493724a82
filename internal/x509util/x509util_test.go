package x509util_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"strings"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/internal/x509util"
)

func template(name string) x509.Certificate {
	return x509.Certificate{
		Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true,
	}
}

func authority(t *testing.T) *x509util.Certificate {
	t.Helper()
	root := template("root")
	root.IsCA, root.KeyUsage = true, x509.KeyUsageCertSign
	made, err := x509util.Issue(root, nil)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestIssuedCertificatesVerify(t *testing.T) {
	root := authority(t)
	leaf, err := x509util.Issue(template("gyull.com"), root)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(root.X509)
	if _, err := leaf.X509.Verify(x509.VerifyOptions{Roots: pool, DNSName: "gyull.com"}); err != nil {
		t.Error(err)
	}
	strange := x509.NewCertPool()
	strange.AddCert(authority(t).X509)
	if _, err := leaf.X509.Verify(x509.VerifyOptions{Roots: strange}); err == nil {
		t.Error("another authority's pool verifies it")
	}
	other, err := x509util.Issue(template("gyull.com"), root)
	if err != nil {
		t.Fatal(err)
	}
	if serial := leaf.X509.SerialNumber; serial.Sign() <= 0 || serial.BitLen() > 127 || serial.Cmp(other.X509.SerialNumber) == 0 {
		t.Errorf("serial numbers %s and %s", serial, other.X509.SerialNumber)
	}
}

func TestTheEncodedPairIsTheCertificate(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509util.IssueFor(key, template("gyull.com"), nil)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := made.KeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(made.PEM(), encoded)
	if err != nil {
		t.Fatal(err)
	}
	if !pair.Leaf.Equal(made.TLS().Leaf) || !key.Equal(pair.PrivateKey) || pair.Leaf.PublicKeyAlgorithm != x509.RSA {
		t.Error("the pair is another one")
	}
	if err := made.X509.CheckSignatureFrom(made.X509); err == nil {
		t.Error("a certificate that is no authority vouches for itself")
	}
}

func TestErrorsNameTheSubject(t *testing.T) {
	broken := template("gyull.com")
	broken.DNSNames = []string{"bücher.example"} // not in IA5String
	if _, err := x509util.Issue(broken, nil); err == nil || !strings.Contains(err.Error(), "CN=gyull.com") {
		t.Errorf("error %v", err)
	}
}
