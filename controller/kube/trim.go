package kube

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/ingress-testbed/testbed/controller/config/protection"
	"github.com/ingress-testbed/testbed/proxy/policy/access"
)

// trim takes out of an object what the controller never reads, before it is kept: field ownership, and everything of a
// Secret but a certificate and its key, those of authorities with their revocation lists, a file of htpasswd, and
// values that are hashes of passwords. A cluster has many Secrets that the controller does not use.
func trim(object any) (any, error) {
	if accessor, err := meta.Accessor(object); err == nil {
		accessor.SetManagedFields(nil)
	}
	if secret, ok := object.(*corev1.Secret); ok {
		kept := map[string][]byte{}
		for key, value := range secret.Data {
			if slices.Contains(secretKeys(), key) || access.IsHash(string(value)) {
				kept[key] = value
			}
		}
		secret.Data = kept
	}
	return object, nil
}

func secretKeys() []string {
	return []string{
		corev1.TLSCertKey, corev1.TLSPrivateKeyKey, protection.AuthoritiesKey, protection.RevocationsKey, protection.AuthFileKey,
	}
}
