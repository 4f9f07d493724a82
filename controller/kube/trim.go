package kube

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
)

// trim takes out of an object what the controller never reads, before it is kept: field ownership, and everything of a
// Secret but a certificate and its key, and those of authorities. A cluster has many Secrets that the controller does
// not use.
func trim(object any) (any, error) {
	if accessor, err := meta.Accessor(object); err == nil {
		accessor.SetManagedFields(nil)
	}
	if secret, ok := object.(*corev1.Secret); ok {
		kept := map[string][]byte{}
		for _, key := range []string{corev1.TLSCertKey, corev1.TLSPrivateKeyKey, corev1.ServiceAccountRootCAKey} {
			if value, ok := secret.Data[key]; ok {
				kept[key] = value
			}
		}
		secret.Data = kept
	}
	return object, nil
}
