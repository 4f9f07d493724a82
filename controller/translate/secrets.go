package translate

import (
	"crypto/x509"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller/config/protection"
	"github.com/ingress-testbed/testbed/controller/config/setting"
	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/controller/translate/problem"
	"github.com/ingress-testbed/testbed/controller/translate/rules"
	"github.com/ingress-testbed/testbed/proxy/policy/access"
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
