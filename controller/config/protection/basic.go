package protection

import (
	"errors"
	"strings"

	"github.com/ingress-testbed/testbed/controller/config/setting"
)

// Basic requires a password (RFC 7617).
type Basic struct {
	Realm string
	// Secret is the name of a Secret in the Ingress's namespace. With Map, each of its keys is a user and the value a hash;
	// else its key "auth" has a file of htpasswd.
	Secret string
	Map    bool
}

// AuthFileKey is the key of a Secret with a file of htpasswd.
const AuthFileKey = "auth"

const basicSecret = "auth-secret"

// readBasic returns nil if no password is required.
func readBasic(r *setting.Reader) *Basic {
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
	return &Basic{Realm: realm, Secret: secret, Map: from == "auth-map"}
}

// secretAnnotations are the annotations that name a Secret which restricts access.
func secretAnnotations() []string { return []string{basicSecret, authoritiesName} }

// Secrets returns the names of the Secrets in the Ingress's namespace by which its annotations restrict access.
func Secrets(prefix, namespace string, annotations map[string]string) []string {
	var names []string
	for _, annotation := range secretAnnotations() {
		text := strings.TrimSpace(annotations[prefix+"/"+annotation])
		if name, ok := setting.LocalSecretName(text, namespace); ok {
			names = append(names, name)
		}
	}
	return names
}
