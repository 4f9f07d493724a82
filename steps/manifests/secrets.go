package manifests

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/steps/generatedsecret"
)

// User and Password are those in stand-ins for Secrets with passwords.
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
func (s *standIns) addSecrets() error {
	uses := map[types.NamespacedName]*use{}
	for _, ingress := range s.store.ingresses {
		for _, key := range secretsOf(ingress, uses) {
			if s.store.secrets[key] != nil {
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
		s.store.secrets[key], made[key] = secret, true
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

func (u *use) secret(name types.NamespacedName) (*corev1.Secret, error) {
	var content generatedsecret.Content
	if u.users {
		content.User, content.Password, content.ByUser = User, Password, u.userMap
	}
	if u.userMap {
		return content.Secret(name) // any other key would be a user
	}
	var err error
	if len(u.hosts) > 0 || u.authority {
		if content.Certificate, err = generatedsecret.Server(name.Name, u.hosts, nil); err != nil {
			return nil, err
		}
	}
	if u.authority {
		if content.Authority, err = generatedsecret.Authority(name.Name); err != nil {
			return nil, err
		}
	}
	return content.Secret(name)
}
