// Package x509util issues X.509 certificates: what every certificate authority of the project has in common. What the
// certificates are for is in the templates.
package x509util

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
)

// Certificate is a certificate with its private key.
type Certificate struct {
	X509 *x509.Certificate
	Key  crypto.Signer
}

// Issue makes an ECDSA P-256 key and a certificate for it, as IssueFor does.
func Issue(template x509.Certificate, issuer *Certificate) (*Certificate, error) {
	key, err := NewKey()
	if err != nil {
		return nil, err
	}
	return IssueFor(key, template, issuer)
}

// NewKey makes an ECDSA P-256 key.
func NewKey() (crypto.Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generating an ECDSA key: %w", err)
	}
	return key, nil
}

// IssueFor makes a certificate for the key, signed by the issuer, or by the key itself if the issuer is nil. The serial
// number is drawn at random; all else is the template's.
func IssueFor(key crypto.Signer, template x509.Certificate, issuer *Certificate) (*Certificate, error) {
	// 127 random bits: serial numbers are positive and have at most 20 octets (RFC 5280, section 4.1.2.2).
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("drawing a serial number: %w", err)
	}
	template.SerialNumber = serial
	parent, signer := &template, key
	if issuer != nil {
		parent, signer = issuer.X509, issuer.Key
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, parent, key.Public(), signer)
	if err != nil {
		return nil, fmt.Errorf("signing the certificate of %s: %w", template.Subject, err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("reading the new certificate of %s: %w", template.Subject, err)
	}
	return &Certificate{X509: parsed, Key: key}, nil
}

// PEM is the certificate, without those of its issuers.
func (c *Certificate) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.X509.Raw})
}

// KeyPEM is the private key in PKCS #8.
func (c *Certificate) KeyPEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(c.Key)
	if err != nil {
		return nil, fmt.Errorf("encoding the private key of %s: %w", c.X509.Subject, err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// TLS is the certificate for a TLS server or client.
func (c *Certificate) TLS() tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{c.X509.Raw}, PrivateKey: c.Key, Leaf: c.X509}
}
