package config

import (
	"math"
	"strings"
)

// BackendTLS says how backends are spoken to over TLS. As with ingress-nginx nothing of it has an effect without a
// Secret, and none at all where backends are spoken to in plain text.
type BackendTLS struct {
	// Secret is "namespace/name" as the user wrote it: see BackendSecret.
	Secret string
	// ServerName is the name that is verified, and sent if SendServerName is set.
	ServerName     string
	SendServerName bool
	Verify         bool
	VerifyDepth    int
}

const backendSecret = "proxy-ssl-secret"

func parseBackendTLS(r *reader) BackendTLS {
	secret, _ := r.text(backendSecret)
	settings := BackendTLS{
		Secret:         secret,
		ServerName:     r.checked("proxy-ssl-name", isServerName, "it must be a DNS name"),
		SendServerName: r.choice("proxy-ssl-server-name", "off", "on", "off") == "on",
		// What is neither on nor off is told, and taken for on: rather no answer than one from whoever it may be.
		Verify:      r.choice("proxy-ssl-verify", "on", "on", "off") == "on",
		VerifyDepth: r.integer("proxy-ssl-verify-depth", 1, math.MaxInt32, 1),
	}
	if _, given := r.text("proxy-ssl-verify"); !given {
		settings.Verify = false
	}
	if secret == "" && !settings.Verify && (settings.ServerName != "" || settings.SendServerName) {
		r.unsupported("proxy-ssl-name", "proxy-ssl-name and -server-name have no effect without "+backendSecret)
	}
	if secret == "" && !settings.Verify {
		return BackendTLS{}
	}
	return settings
}

// BackendSecret returns the name of the Secret that an Ingress wants its backends spoken to with. It must be in the
// Ingress's namespace, and is not ok otherwise.
func BackendSecret(prefix, namespace string, annotations map[string]string) (name string, ok bool) {
	return SecretName(strings.TrimSpace(annotations[prefix+"/"+backendSecret]), namespace)
}

// SecretName takes "namespace/name" apart, and wants it to be in one namespace.
func SecretName(text, namespace string) (name string, ok bool) {
	in, name, ok := strings.Cut(text, "/")
	return name, ok && in == namespace && name != "" && !strings.Contains(name, "/")
}

func isServerName(text string) bool {
	const characters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-."
	return text != "" && len(text) <= 253 && strings.Trim(text, characters) == ""
}
