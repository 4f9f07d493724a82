package config

import (
	"crypto/tls"
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/config/openssl"
	"github.com/ingress-testbed/testbed/controller/config/setting"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// parseHSTS makes the value of Strict-Transport-Security (RFC 6797 section 6.1). It is on unless it is switched off.
func parseHSTS(r *setting.Reader) string {
	on := r.Bool("hsts", true)
	value := "max-age=" + strconv.Itoa(r.Int("hsts-max-age", 0, math.MaxInt32, 31536000))
	if r.Bool("hsts-include-subdomains", true) {
		value += "; includeSubDomains"
	}
	if r.Bool("hsts-preload", false) {
		value += "; preload"
	}
	if !on {
		return ""
	}
	return value
}

// parseClientTLS reads what the ConfigMap allows clients to use.
func parseClientTLS(r *setting.Reader) route.ClientTLS {
	restricted := parseCiphers(r, parseVersions(r, "ssl-protocols"))
	var missing []string
	r.Protecting("ssl-ecdh-curve", "", func(text string) (err error) {
		restricted.Curves, missing, err = openssl.Curves(text)
		return err
	})
	if len(missing) > 0 {
		r.Unsupported("ssl-ecdh-curve", "these are not offered, because Go does not have them: "+setting.Shorten(strings.Join(missing, ", ")))
	}
	restricted.NoTickets = !r.Bool("ssl-session-tickets", true)
	return restricted
}

// parseVersions reads the versions of TLS that may be used. A list that can't be had closes the paths.
func parseVersions(r *setting.Reader, name string) route.ClientTLS {
	var versions route.ClientTLS
	r.Protecting(name, "", func(text string) (err error) {
		versions.MinVersion, versions.MaxVersion, err = openssl.Versions(text)
		return err
	})
	if versions.MinVersion == tls.VersionTLS12 {
		versions.MinVersion = 0
	}
	if versions.MaxVersion == tls.VersionTLS13 {
		versions.MaxVersion = 0
	}
	return versions
}

// errNoCipher is the error of a list without a cipher for the versions of TLS that have to be used.
var errNoCipher = errors.New("Go has none of these ciphers, and the versions do not allow TLS 1.3, which has others") //nolint:staticcheck // Go is a name

// parseCiphers reads the ciphers of TLS 1.2 that clients may use.
func parseCiphers(r *setting.Reader, defaults route.ClientTLS) route.ClientTLS {
	return restrict(r, "ssl-ciphers", defaults)
}

// restrict reads ciphers of TLS 1.2. If Go has none of them, TLS 1.3 has to be used, whose ciphers the setting does not
// restrict. A list that can't be had closes the paths.
func restrict(r *setting.Reader, name string, defaults route.ClientTLS) route.ClientTLS {
	restricted := defaults
	var missing []string
	r.Protecting(name, "", func(text string) error {
		allowed, none, err := openssl.Ciphers(text)
		if err != nil {
			return err
		}
		restricted.Ciphers, missing = allowed, none
		if len(allowed) > 0 {
			return nil
		}
		if defaults.MaxVersion != 0 {
			return errNoCipher
		}
		restricted.Ciphers, restricted.MinVersion = nil, tls.VersionTLS13
		return nil
	})
	if len(missing) > 0 {
		r.Unsupported(name, "these are not offered, because Go does not have them: "+setting.Shorten(strings.Join(missing, ", ")))
	}
	return restricted
}

// BackendTLS configures TLS to backends. It has no effect where they use plain text.
type BackendTLS struct {
	// Secret is "namespace/name" as the user wrote it: see BackendSecret.
	Secret string
	// ServerName is the name that is verified, and sent if SendServerName is set.
	ServerName     string
	SendServerName bool
	Verify         bool
	VerifyDepth    int
	// MinVersion and MaxVersion are as in route.TLS. Ciphers is a list that openssl.Ciphers reads; "" leaves them to Go.
	MinVersion, MaxVersion uint16
	Ciphers                string
}

const backendSecret = "proxy-ssl-secret"

func parseBackendTLS(r *setting.Reader, mode compatibility.Mode) BackendTLS {
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
	restricted := restrict(r, "proxy-ssl-ciphers", parseVersions(r, "proxy-ssl-protocols"))
	settings.MinVersion, settings.MaxVersion = restricted.MinVersion, restricted.MaxVersion
	if restricted.Ciphers != nil {
		settings.Ciphers, _ = r.Text("proxy-ssl-ciphers")
	}
	if secret != "" || settings.Verify {
		return settings
	}
	settings.VerifyDepth = 0
	if mode.Reproduces(compatibility.BackendTLSNeedsSecret) {
		if settings.ServerName != "" || settings.SendServerName {
			r.Unsupported("proxy-ssl-name", "proxy-ssl-name and -server-name have no effect without "+backendSecret)
		}
		return BackendTLS{}
	}
	return settings
}

// BackendSecret returns the name of the Secret for TLS to an Ingress's backends; ok is false unless it is in the
// Ingress's namespace.
func BackendSecret(prefix, namespace string, annotations map[string]string) (name string, ok bool) {
	return setting.SecretName(strings.TrimSpace(annotations[prefix+"/"+backendSecret]), namespace)
}
