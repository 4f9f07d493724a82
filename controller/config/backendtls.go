package config

import (
	"math"
	"strings"

	"github.com/ingress-testbed/testbed/controller/config/setting"
)

// BackendTLS configures TLS to backends. As with ingress-nginx it has no effect without a Secret, or where backends
// use plain text.
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

func parseBackendTLS(r *setting.Reader) BackendTLS {
	secret, _ := r.Text(backendSecret)
	settings := BackendTLS{
		Secret:         secret,
		ServerName:     r.Checked("proxy-ssl-name", setting.IsServerName, "it must be a DNS name"),
		SendServerName: r.Choice("proxy-ssl-server-name", "off", "on", "off") == "on",
		// An invalid value is reported and counts as on, so that a typing error does not disable verification.
		Verify:      r.Choice("proxy-ssl-verify", "on", "on", "off") == "on",
		VerifyDepth: r.Int("proxy-ssl-verify-depth", 1, math.MaxInt32, 1),
	}
	if _, given := r.Text("proxy-ssl-verify"); !given {
		settings.Verify = false
	}
	if secret == "" && !settings.Verify && (settings.ServerName != "" || settings.SendServerName) {
		r.Unsupported("proxy-ssl-name", "proxy-ssl-name and -server-name have no effect without "+backendSecret)
	}
	if secret == "" && !settings.Verify {
		return BackendTLS{}
	}
	return settings
}

// BackendSecret returns the name of the Secret for TLS to an Ingress's backends; ok is false unless it is in the
// Ingress's namespace.
func BackendSecret(prefix, namespace string, annotations map[string]string) (name string, ok bool) {
	return setting.SecretName(strings.TrimSpace(annotations[prefix+"/"+backendSecret]), namespace)
}
