// Package pki issues the certificates by which the parts of a cluster authenticate each other.
package pki

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/ingress-testbed/testbed/internal/x509util"
)

// Lifetime of every certificate. A cluster runs for minutes; a `testbed up` may be left over a week.
const lifetime = 30 * 24 * time.Hour

// authorityBits is the size of the authority's key. It is one of RSA, unlike all others: the API server checks the signature of a client's
// certificate with each request, and checking takes a fraction of the time that it does with ECDSA.
const authorityBits = 2048

// Authority signs certificates. Its folder gets a file NAME.crt and NAME.key for each, and ca.crt.
type Authority struct {
	dir    string
	issuer *x509util.Certificate
	// PEM of the authority's own certificate.
	PEM []byte
}

// Identity is the user or server that a certificate identifies. Kubernetes reads a user from the common name and its groups from the
// organizations (kubernetes.io, "Authenticating", X509 client certificates).
type Identity struct {
	// File is the name of the files, without ending.
	File   string
	User   string
	Groups []string
	// Names and Addresses make it a serving certificate for them as well.
	Names     []string
	Addresses []netip.Addr
}

// NewAuthority makes an authority that keeps its files in dir.
func NewAuthority(dir string) (*Authority, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder for certificates: %w", err)
	}
	a := &Authority{dir: dir}
	key, err := rsa.GenerateKey(rand.Reader, authorityBits)
	if err != nil {
		return nil, fmt.Errorf("generating the authority's RSA key: %w", err)
	}
	issuer, err := a.issue("ca", key, x509.Certificate{
		Subject: pkix.Name{CommonName: "ingress-testbed"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	})
	if err != nil {
		return nil, err
	}
	a.issuer, a.PEM = issuer, issuer.PEM()
	return a, nil
}

// Issue signs a certificate and writes it and its key to the authority's folder.
func (a *Authority) Issue(id Identity) error {
	template := x509.Certificate{
		Subject:     pkix.Name{CommonName: id.User, Organization: id.Groups},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if len(id.Names)+len(id.Addresses) > 0 {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
		template.DNSNames = id.Names
		for _, addr := range id.Addresses {
			template.IPAddresses = append(template.IPAddresses, net.IP(addr.AsSlice()))
		}
	}
	key, err := x509util.NewKey()
	if err != nil {
		return fmt.Errorf("issuing certificate %s: %w", id.File, err)
	}
	_, err = a.issue(id.File, key, template)
	return err
}

// issue signs a certificate for the key, the authority's own if it has none yet, and writes it and the key.
func (a *Authority) issue(file string, signer crypto.Signer, template x509.Certificate) (*x509util.Certificate, error) {
	template.NotBefore = time.Now().Add(-time.Minute)
	template.NotAfter = template.NotBefore.Add(lifetime)
	made, err := x509util.IssueFor(signer, template, a.issuer)
	if err != nil {
		return nil, fmt.Errorf("issuing certificate %s: %w", file, err)
	}
	key, err := made.KeyPEM()
	if err != nil {
		return nil, fmt.Errorf("issuing certificate %s: %w", file, err)
	}
	if err := os.WriteFile(a.Cert(file), made.PEM(), 0o600); err != nil {
		return nil, fmt.Errorf("writing certificate %s: %w", file, err)
	}
	if err := os.WriteFile(a.Key(file), key, 0o600); err != nil {
		return nil, fmt.Errorf("writing the key of certificate %s: %w", file, err)
	}
	return made, nil
}

// Cert and Key are the paths of a certificate's files.
func (a *Authority) Cert(file string) string { return filepath.Join(a.dir, file+".crt") }

// Key is the path of a certificate's private key.
func (a *Authority) Key(file string) string { return filepath.Join(a.dir, file+".key") }
