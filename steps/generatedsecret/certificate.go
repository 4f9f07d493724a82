package generatedsecret

import (
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"time"

	"github.com/ingress-testbed/testbed/internal/x509util"
)

const (
	// maxCommonName is the longest common name, in characters (RFC 5280, appendix A.1, ub-common-name).
	maxCommonName = 64
	// validDays is how long certificates are valid.
	validDays = 30
)

// Server issues a certificate for a server, which may also be used as a client's. It is self-signed if the issuer is nil.
func Server(commonName string, hosts []string, issuer *x509util.Certificate) (*x509util.Certificate, error) {
	template := newTemplate(commonName)
	template.DNSNames = hosts
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	return x509util.Issue(template, issuer)
}

// Client issues a certificate for a client.
func Client(commonName string, issuer *x509util.Certificate) (*x509util.Certificate, error) {
	template := newTemplate(commonName)
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	return x509util.Issue(template, issuer)
}

// Authority issues the self-signed certificate of an authority.
func Authority(name string) (*x509util.Certificate, error) {
	template := newTemplate("authority of " + name)
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	return x509util.Issue(template, nil)
}

// newTemplate is valid from an hour ago, because the clocks of machines differ. A common name that is too long is replaced by
// its hash.
func newTemplate(commonName string) x509.Certificate {
	if len(commonName) > maxCommonName {
		sum := sha256.Sum256([]byte(commonName))
		commonName = "name-" + hex.EncodeToString(sum[:5])
	}
	now := time.Now()
	return x509.Certificate{
		Subject:   pkix.Name{CommonName: commonName},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 0, validDays),
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
}
