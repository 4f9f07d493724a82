package certificates

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller/translate/problem"
)

// Secret is a certificate and its key, or what is wrong with it.
type Secret struct {
	Leaf       *x509.Certificate
	Chain, Key []byte
	Reason     problem.Reason
	Fault      string
}

// Cache has certificates that were parsed already, by the Secret's object, which is immutable.
type Cache map[*corev1.Secret]Secret

func (c Cache) parse(key types.NamespacedName, secret *corev1.Secret) Secret {
	parsed, known := c[secret]
	if !known {
		parsed = Parse(key, secret)
		if secret != nil {
			c[secret] = parsed
		}
	}
	return parsed
}

// Parse reads a Secret; nil is one that does not exist.
func Parse(key types.NamespacedName, secret *corev1.Secret) Secret {
	if secret == nil {
		return Secret{Reason: problem.SecretNotFound, Fault: fmt.Sprintf("Secret %q does not exist", key)}
	}
	chain, keyPEM := secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey]
	if len(chain) == 0 || len(keyPEM) == 0 {
		return Secret{Reason: problem.InvalidSecret, Fault: fmt.Sprintf("Secret %q has no %s and %s",
			key, corev1.TLSCertKey, corev1.TLSPrivateKeyKey)}
	}
	pair, err := tls.X509KeyPair(chain, keyPEM)
	if err != nil {
		return Secret{Reason: problem.InvalidSecret, Fault: fmt.Sprintf("Secret %q holds no usable certificate: %v",
			key, strings.TrimPrefix(err.Error(), "tls: "))}
	}
	return Secret{Leaf: pair.Leaf, Chain: chain, Key: keyPEM}
}
