// Package generatedsecret makes stand-ins for Secrets that Ingresses name, with generated certificates and passwords, because
// the data of the users' own Secrets is never read.
package generatedsecret

import (
	"crypto/sha1" //nolint:gosec // a form of htpasswd that every controller reads
	"encoding/base64"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/internal/x509util"
)

// Keys of Secrets as ingress-nginx reads them (annotations auth-secret, auth-tls-secret and proxy-ssl-secret).
const (
	authFileKey    = "auth"
	authoritiesKey = "ca.crt"
)

// Content is what a Secret contains. The zero value is an empty Secret.
type Content struct {
	// Certificate of a server or client; nil for none.
	Certificate *x509util.Certificate
	// Authority verifies the certificates of others; nil for none.
	Authority *x509util.Certificate
	// User and Password are those of Basic authentication (RFC 7617); "" for none.
	User, Password string
	// ByUser stores a hash by the name of its user, instead of a file of htpasswd (annotation auth-secret-type: auth-map).
	ByUser bool
}

// Secret returns a Secret with the content. It has the type kubernetes.io/tls if it has a certificate.
func (c Content) Secret(name types.NamespacedName) (*corev1.Secret, error) {
	secret := &corev1.Secret{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name},
		Type:       corev1.SecretTypeOpaque, Data: map[string][]byte{},
	}
	if c.User != "" {
		hash := sha1.Sum([]byte(c.Password)) //nolint:gosec // as above
		line := "{SHA}" + base64.StdEncoding.EncodeToString(hash[:])
		if c.ByUser {
			secret.Data[c.User] = []byte(line)
		} else {
			secret.Data[authFileKey] = []byte(c.User + ":" + line + "\n")
		}
	}
	if c.Authority != nil {
		secret.Data[authoritiesKey] = c.Authority.PEM()
	}
	if c.Certificate != nil {
		key, err := c.Certificate.KeyPEM()
		if err != nil {
			return nil, err
		}
		secret.Type = corev1.SecretTypeTLS
		secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey] = c.Certificate.PEM(), key
	}
	return secret, nil
}
