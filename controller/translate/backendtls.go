package translate

import (
	"crypto/x509"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller/config"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// backendTLS returns the TLS settings of an upstream; nil if none are given. If verification or a client certificate
// was requested but cannot be set up, it returns a fault, and requests fail closed.
func (u *upstreams) backendTLS(key upstreamKey) (*route.TLS, *fault) {
	settings := key.tls
	if settings == (config.BackendTLS{}) {
		return nil, nil
	}
	if settings.Secret == "" {
		return nil, &fault{InvalidAnnotation, "proxy-ssl-verify: there is nothing to verify backends with; " +
			"proxy-ssl-secret must name a Secret with a ca.crt"}
	}
	name, ok := config.SecretName(settings.Secret, key.namespace)
	if !ok {
		return nil, &fault{InvalidAnnotation, fmt.Sprintf("proxy-ssl-secret: %q must be \"namespace/name\" of a Secret "+
			"in the namespace of the Ingress", settings.Secret)}
	}
	if settings.Verify && settings.ServerName == "" {
		return nil, &fault{InvalidAnnotation, "proxy-ssl-verify: proxy-ssl-name must say which name the certificates of " +
			"backends have"}
	}
	id := types.NamespacedName{Namespace: key.namespace, Name: name}
	secret := u.snapshot.Secrets[id]
	if secret == nil {
		return nil, &fault{SecretNotFound, fmt.Sprintf("Secret %q for backends does not exist", id)}
	}
	made := &route.TLS{ServerName: settings.ServerName, SendServerName: settings.SendServerName}
	if roots := secret.Data[corev1.ServiceAccountRootCAKey]; settings.Verify {
		if !x509.NewCertPool().AppendCertsFromPEM(roots) {
			return nil, &fault{InvalidSecret, fmt.Sprintf("Secret %q for backends has no usable %s, which proxy-ssl-verify needs",
				id, corev1.ServiceAccountRootCAKey)}
		}
		made.Verify, made.VerifyDepth, made.RootsPEM = true, settings.VerifyDepth, roots
	}
	if len(secret.Data[corev1.TLSCertKey]) > 0 || len(secret.Data[corev1.TLSPrivateKeyKey]) > 0 {
		parsed := parseSecret(id, secret)
		if parsed.fault != "" {
			return nil, &fault{parsed.reason, parsed.fault}
		}
		made.Certificate = &route.Certificate{Origin: id.String(), ChainPEM: parsed.chain, KeyPEM: parsed.key}
	}
	return made, nil
}
