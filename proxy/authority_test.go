package proxy_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/proxy/route"
)

// authority signs certificates.
type authority struct {
	t           testing.TB
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	chain       [][]byte // from this one up, without the root
}

// newAuthority makes a root that signs through some intermediate certificates.
func newAuthority(t testing.TB, intermediates int) (issuer *authority, rootPEM []byte) {
	t.Helper()
	root := (&authority{t: t}).sign(&x509.Certificate{Subject: pkix.Name{CommonName: "root"}, IsCA: true})
	issuer = root
	for range intermediates {
		issuer = issuer.sign(&x509.Certificate{Subject: pkix.Name{CommonName: "intermediate"}, IsCA: true})
	}
	return issuer, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.certificate.Raw})
}

// sign signs a certificate for a new key; without a signer it is self-signed.
func (a *authority) sign(template *x509.Certificate) *authority {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template.SerialNumber, template.BasicConstraintsValid = big.NewInt(time.Now().UnixNano()), true
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	if template.IsCA {
		template.KeyUsage = x509.KeyUsageCertSign
	}
	parent, signer := a.certificate, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	signed := &authority{t: a.t, certificate: made, key: key}
	if a.certificate != nil {
		signed.chain = append([][]byte{der}, a.chain...)
	}
	return signed
}

// issue makes a certificate for a name.
func (a *authority) issue(name string) tls.Certificate {
	a.t.Helper()
	leaf := a.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
	return tls.Certificate{Certificate: leaf.chain, PrivateKey: leaf.key}
}

// asPEM is a certificate as tables have it.
func asPEM(t testing.TB, c tls.Certificate) *route.Certificate {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	made := &route.Certificate{KeyPEM: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})}
	for _, der := range c.Certificate {
		made.ChainPEM = append(made.ChainPEM, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	return made
}
