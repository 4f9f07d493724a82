package upstreams

import (
	"crypto/x509"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller/config"
	"github.com/ingress-testbed/testbed/controller/config/openssl"
	"github.com/ingress-testbed/testbed/controller/config/setting"
	"github.com/ingress-testbed/testbed/controller/translate/certificates"
	"github.com/ingress-testbed/testbed/controller/translate/problem"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// backendTLS returns the TLS settings of an upstream; nil if none are given. If verification or a client certificate
// was requested but cannot be set up, it returns a fault, and requests fail closed.
func (u *Builder) backendTLS(key Key) (*route.TLS, *Fault) {
	settings := key.TLS
	if settings == (config.BackendTLS{}) {
		return nil, nil
	}
	made := &route.TLS{
		ServerName: settings.ServerName, SendServerName: settings.SendServerName,
		MinVersion: settings.MinVersion, MaxVersion: settings.MaxVersion,
	}
	if settings.Ciphers != "" {
		made.Ciphers, _, _ = openssl.Ciphers(settings.Ciphers) // it was read before
	}
	if settings.Secret == "" && !settings.Verify {
		return made, nil
	}
	if settings.Secret == "" {
		return nil, &Fault{problem.InvalidAnnotation, "proxy-ssl-verify: there is nothing to verify backends with; " +
			"proxy-ssl-secret must name a Secret with a ca.crt"}
	}
	name, ok := setting.SecretName(settings.Secret, key.Namespace)
	if !ok {
		return nil, &Fault{problem.InvalidAnnotation, fmt.Sprintf("proxy-ssl-secret: %q must be \"namespace/name\" of a Secret "+
			"in the namespace of the Ingress", settings.Secret)}
	}
	if settings.Verify && settings.ServerName == "" {
		return nil, &Fault{problem.InvalidAnnotation, "proxy-ssl-verify: proxy-ssl-name must say which name the certificates of " +
			"backends have"}
	}
	id := types.NamespacedName{Namespace: key.Namespace, Name: name}
	secret := u.Snapshot.Secrets[id]
	if secret == nil {
		return nil, &Fault{problem.SecretNotFound, fmt.Sprintf("Secret %q for backends does not exist", id)}
	}
	if roots := secret.Data[corev1.ServiceAccountRootCAKey]; settings.Verify {
		if !x509.NewCertPool().AppendCertsFromPEM(roots) {
			return nil, &Fault{problem.InvalidSecret, fmt.Sprintf("Secret %q for backends has no usable %s, which proxy-ssl-verify needs",
				id, corev1.ServiceAccountRootCAKey)}
		}
		made.Verify, made.VerifyDepth, made.RootsPEM = true, settings.VerifyDepth, roots
	}
	if len(secret.Data[corev1.TLSCertKey]) > 0 || len(secret.Data[corev1.TLSPrivateKeyKey]) > 0 {
		parsed := certificates.Parse(id, secret)
		if parsed.Fault != "" {
			return nil, &Fault{parsed.Reason, parsed.Fault}
		}
		made.Certificate = &route.Certificate{Origin: id.String(), ChainPEM: parsed.Chain, KeyPEM: parsed.Key}
	}
	return made, nil
}
