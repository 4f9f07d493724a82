package translate

import (
	"crypto/x509"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller/config"
	"github.com/ingress-testbed/testbed/controller/config/openssl"
	"github.com/ingress-testbed/testbed/controller/config/protection"
	"github.com/ingress-testbed/testbed/controller/config/setting"
	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/controller/translate/certificates"
	"github.com/ingress-testbed/testbed/controller/translate/problem"
	"github.com/ingress-testbed/testbed/controller/translate/rules"
	"github.com/ingress-testbed/testbed/proxy/policy/access"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// secrets reads the Secrets by which Ingresses restrict access. An invalid one is reported as a Problem, and returned as a
// fault, the reason why the paths are denied.
type secrets struct {
	snapshot *snapshot.Snapshot
	problems *problem.List
}

// users returns the policy of a Secret with passwords.
func (s secrets) users(owner *rules.Ingress, settings *protection.Basic) (made access.Basic, fault string) {
	id, data, fault := s.find(owner, "auth-secret", settings.Secret)
	if fault != "" {
		return made, fault
	}
	made = access.Basic{Realm: settings.Realm, Origin: id}
	if !settings.Map {
		users, err := access.ParseUsers(string(data[protection.AuthFileKey]))
		if err != nil {
			return made, s.fail(owner, problem.InvalidSecret, fmt.Sprintf("Secret %q, key %q, for auth-secret: %v", id, protection.AuthFileKey, err))
		}
		made.Users = users
		return made, ""
	}
	made.Users = access.Users{}
	for _, user := range slices.Sorted(maps.Keys(data)) {
		hash := strings.TrimSpace(string(data[user]))
		if err := access.CheckHash(hash); err != nil {
			return made, s.fail(owner, problem.InvalidSecret, fmt.Sprintf("Secret %q, key %q, for auth-secret: %v", id, user, err))
		}
		made.Users[user] = hash
	}
	if len(made.Users) == 0 {
		return made, s.fail(owner, problem.InvalidSecret, fmt.Sprintf("Secret %q for auth-secret has no hashes of passwords", id))
	}
	return made, ""
}

// authorities completes the policy of a Secret with authorities.
func (s secrets) authorities(owner *rules.Ingress, name string, made *access.ClientCertificate) (fault string) {
	id, data, fault := s.find(owner, "auth-tls-secret", name)
	if fault != "" {
		return fault
	}
	made.Origin = id
	roots, lists := data[protection.AuthoritiesKey], data[protection.RevocationsKey]
	if !x509.NewCertPool().AppendCertsFromPEM(roots) {
		return s.fail(owner, problem.InvalidSecret, fmt.Sprintf("Secret %q for auth-tls-secret has no usable %s", id, protection.AuthoritiesKey))
	}
	if _, err := access.ParseRevocationLists(lists); err != nil {
		return s.fail(owner, problem.InvalidSecret, fmt.Sprintf("Secret %q, key %q, for auth-tls-secret: %v", id, protection.RevocationsKey, err))
	}
	made.RootsPEM, made.CRLPEM = roots, lists
	return ""
}

func (s secrets) find(owner *rules.Ingress, annotation, text string) (id string, data map[string][]byte, fault string) {
	name, ok := setting.LocalSecretName(text, owner.Object.Namespace)
	if !ok {
		return "", nil, s.fail(owner, problem.InvalidAnnotation, fmt.Sprintf(
			"%s: %q must be a Secret in the namespace of the Ingress", annotation, text))
	}
	key := types.NamespacedName{Namespace: owner.Object.Namespace, Name: name}
	secret := s.snapshot.Secrets[key]
	if secret == nil {
		return "", nil, s.fail(owner, problem.SecretNotFound, fmt.Sprintf("Secret %q for %s does not exist", key, annotation))
	}
	return key.String(), secret.Data, ""
}

// fail reports a fault. An Ingress may be created before its Secret, so that admission only refuses an Ingress whose
// annotation is invalid.
func (s secrets) fail(owner *rules.Ingress, reason problem.Reason, message string) (fault string) {
	severity := problem.Warning
	if reason == problem.InvalidAnnotation {
		severity = problem.Error
	}
	s.problems.Add(problem.Problem{
		Severity: severity, Reason: reason, Object: problem.IngressObject(owner.Object), Message: message + "; the paths answer 503",
	})
	return message
}

// backendTLS returns the TLS settings of an upstream; nil if none are given. If verification or a client certificate
// was requested but cannot be set up, it returns a fault, and requests fail closed.
func (u *upstreams) backendTLS(key upstreamKey) (*route.TLS, *fault) {
	settings := key.tls
	if settings == (config.BackendTLS{}) {
		return nil, nil
	}
	if settings.Secret == "" {
		return nil, &fault{problem.InvalidAnnotation, "proxy-ssl-verify: there is nothing to verify backends with; " +
			"proxy-ssl-secret must name a Secret with a ca.crt"}
	}
	name, ok := setting.SecretName(settings.Secret, key.Namespace)
	if !ok {
		return nil, &fault{problem.InvalidAnnotation, fmt.Sprintf("proxy-ssl-secret: %q must be \"namespace/name\" of a Secret "+
			"in the namespace of the Ingress", settings.Secret)}
	}
	if settings.Verify && settings.ServerName == "" {
		return nil, &fault{problem.InvalidAnnotation, "proxy-ssl-verify: proxy-ssl-name must say which name the certificates of " +
			"backends have"}
	}
	id := types.NamespacedName{Namespace: key.Namespace, Name: name}
	secret := u.snapshot.Secrets[id]
	if secret == nil {
		return nil, &fault{problem.SecretNotFound, fmt.Sprintf("Secret %q for backends does not exist", id)}
	}
	made := &route.TLS{
		ServerName: settings.ServerName, SendServerName: settings.SendServerName,
		MinVersion: settings.MinVersion, MaxVersion: settings.MaxVersion,
	}
	if settings.Ciphers != "" {
		made.Ciphers, _, _ = openssl.Ciphers(settings.Ciphers) // it was read before
	}
	if roots := secret.Data[corev1.ServiceAccountRootCAKey]; settings.Verify {
		if !x509.NewCertPool().AppendCertsFromPEM(roots) {
			return nil, &fault{problem.InvalidSecret, fmt.Sprintf("Secret %q for backends has no usable %s, which proxy-ssl-verify needs",
				id, corev1.ServiceAccountRootCAKey)}
		}
		made.Verify, made.VerifyDepth, made.RootsPEM = true, settings.VerifyDepth, roots
	}
	if len(secret.Data[corev1.TLSCertKey]) > 0 || len(secret.Data[corev1.TLSPrivateKeyKey]) > 0 {
		parsed := certificates.Parse(id, secret)
		if parsed.Fault != "" {
			return nil, &fault{parsed.Reason, parsed.Fault}
		}
		made.Certificate = &route.Certificate{Origin: id.String(), ChainPEM: parsed.Chain, KeyPEM: parsed.Key}
	}
	return made, nil
}
