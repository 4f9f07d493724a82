package config

import (
	"errors"
	"strings"

	"github.com/ingress-testbed/testbed/controller/config/setting"
)

// BasicAuth requires a password (RFC 7617).
type BasicAuth struct {
	Realm string
	// Secret is the name of a Secret in the Ingress's namespace. With Map, each of its keys is a user and the value a hash;
	// else its key "auth" has a file of htpasswd.
	Secret string
	Map    bool
}

// AuthFileKey is the key of a Secret with a file of htpasswd.
const AuthFileKey = "auth"

const basicSecret = "auth-secret"

// parseBasicAuth returns nil if no password is required.
func parseBasicAuth(r *setting.Reader) *BasicAuth {
	kind := r.Protecting("auth-type", "", func(text string) error {
		if text != "basic" {
			return errors.New(`it must be "basic"; digest authentication is not supported`)
		}
		return nil
	})
	secret := r.Protecting(basicSecret, "", func(text string) error {
		if text == "" {
			return errors.New("it must be the name of a Secret")
		}
		return nil
	})
	realm, _ := r.Text("auth-realm")
	from := r.Protecting("auth-secret-type", "auth-file", func(text string) error {
		if text != "auth-file" && text != "auth-map" {
			return errors.New(`it must be "auth-file" or "auth-map"`)
		}
		return nil
	})
	_, typeGiven := r.Text("auth-type")
	switch {
	case !typeGiven && secret != "":
		r.Deny(basicSecret, "it has no effect without auth-type")
	case typeGiven && secret == "":
		r.Deny("auth-type", "there are no passwords without auth-secret")
	}
	if kind == "" || secret == "" {
		return nil
	}
	return &BasicAuth{Realm: realm, Secret: secret, Map: from == "auth-map"}
}

// protectingSecrets are the annotations that name a Secret which restricts access.
func protectingSecrets() []string { return []string{basicSecret, authoritiesName} }

// ProtectingSecrets returns the names of the Secrets in the Ingress's namespace by which its annotations restrict access.
func ProtectingSecrets(prefix, namespace string, annotations map[string]string) []string {
	var names []string
	for _, annotation := range protectingSecrets() {
		text := strings.TrimSpace(annotations[prefix+"/"+annotation])
		if name, ok := LocalSecretName(text, namespace); ok {
			names = append(names, name)
		}
	}
	return names
}

// LocalSecretName is SecretName for a text that may leave out the namespace.
func LocalSecretName(text, namespace string) (name string, ok bool) {
	if !strings.Contains(text, "/") {
		return text, text != ""
	}
	return SecretName(text, namespace)
}
