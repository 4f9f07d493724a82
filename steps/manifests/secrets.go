package manifests

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/bcrypt"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/internal/x509util"
)

// User and Password are let in by stand-ins for Secrets with passwords.
const (
	User     = "user"
	Password = "password"
)

// use is what Ingresses need a Secret for.
type use struct {
	// hosts of its certificate.
	hosts []string
	// users is whether it has a file of htpasswd, and userMap whether each of its keys is a user.
	users, userMap bool
	// authority is whether certificates of others are verified with it.
	authority bool
}

// addSecrets makes those that Ingresses name and the manifests lack.
func (s *Stored) addSecrets() error {
	uses := map[types.NamespacedName]*use{}
	for _, ingress := range s.ingresses {
		for _, key := range secretsOf(ingress, uses) {
			if s.secrets[key] != nil {
				delete(uses, key)
			}
		}
	}
	made := map[types.NamespacedName]bool{}
	for key, use := range uses {
		secret, err := use.secret(key)
		if err != nil {
			return fmt.Errorf("making a stand-in for the Secret %s: %w", key, err)
		}
		s.secrets[key], made[key] = secret, true
	}
	if len(made) > 0 {
		s.note("stand-ins for %s that the manifests lack (certificates for their hosts, the user %q with the password %q): %s",
			count(len(made), "Secret"), User, Password, list(made))
	}
	return nil
}

// secretsOf adds what an Ingress needs Secrets for, and returns their names.
func secretsOf(ingress *networkingv1.Ingress, uses map[types.NamespacedName]*use) []types.NamespacedName {
	var keys []types.NamespacedName
	of := func(name string) *use {
		key := types.NamespacedName{Namespace: ingress.Namespace, Name: name}
		if uses[key] == nil {
			uses[key] = &use{}
		}
		keys = append(keys, key)
		return uses[key]
	}
	for _, tls := range ingress.Spec.TLS {
		if tls.SecretName != "" {
			secret := of(tls.SecretName)
			secret.hosts = append(secret.hosts, hostsOf(ingress, tls)...)
		}
	}
	isMap := false
	for name, value := range ingress.Annotations {
		isMap = isMap || strings.HasSuffix(name, "/auth-secret-type") && strings.TrimSpace(value) == "auth-map"
	}
	for annotation, value := range ingress.Annotations {
		name, ok := localName(value, ingress.Namespace)
		switch _, setting, _ := strings.Cut(annotation, "/"); {
		case !ok:
		case setting == "auth-secret":
			of(name).users, of(name).userMap = true, isMap
		case setting == "auth-tls-secret", setting == "proxy-ssl-secret":
			of(name).authority = true
		}
	}
	return keys
}

// localName reads "name" or "namespace/name" of a Secret beside its Ingress.
func localName(text, namespace string) (name string, ok bool) {
	text = strings.TrimSpace(text)
	if before, after, found := strings.Cut(text, "/"); found {
		return after, before == namespace && after != ""
	}
	return text, text != ""
}

// hostsOf are those of a TLS section; all of the Ingress, if it lists none.
func hostsOf(ingress *networkingv1.Ingress, tls networkingv1.IngressTLS) []string {
	hosts := slices.Clone(tls.Hosts)
	if len(hosts) == 0 {
		for _, rule := range ingress.Spec.Rules {
			if rule.Host != "" {
				hosts = append(hosts, rule.Host)
			}
		}
	}
	return hosts
}

func (u *use) secret(key types.NamespacedName) (*corev1.Secret, error) {
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name},
		Type:       corev1.SecretTypeOpaque, Data: map[string][]byte{},
	}
	if u.users {
		hash, err := bcrypt.GenerateFromPassword([]byte(Password), bcrypt.MinCost)
		if err != nil {
			return nil, err
		}
		if u.userMap {
			secret.Data[User] = hash
			return secret, nil // any other key would be a user
		}
		secret.Data["auth"] = []byte(User + ":" + string(hash) + "\n")
	}
	if len(u.hosts) == 0 && !u.authority {
		return secret, nil
	}
	issued, err := x509util.Issue(template(key.Name, u), nil)
	if err != nil {
		return nil, err
	}
	encoded, err := issued.KeyPEM()
	if err != nil {
		return nil, err
	}
	secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey] = issued.PEM(), encoded
	if u.authority {
		secret.Data["ca.crt"] = issued.PEM()
	} else if !u.users {
		secret.Type = corev1.SecretTypeTLS
	}
	return secret, nil
}

func template(name string, u *use) x509.Certificate {
	now := time.Now()
	made := x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 0, 30),
		DNSNames: u.hosts, KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
	}
	if u.authority {
		made.IsCA, made.KeyUsage = true, made.KeyUsage|x509.KeyUsageCertSign
	}
	return made
}
