package config

import (
	"crypto/tls"
	"errors"
	"strings"

	"github.com/ingress-testbed/testbed/controller/config/openssl"
	"github.com/ingress-testbed/testbed/controller/config/setting"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// parseVersions reads the versions of TLS that clients may use. A list that can't be had closes the paths.
func parseVersions(r *setting.Reader) route.ClientTLS {
	var versions route.ClientTLS
	r.Protecting("ssl-protocols", "", func(text string) (err error) {
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
var errNoCipher = errors.New("Go has none of these ciphers, and ssl-protocols does not allow TLS 1.3, which has others") //nolint:staticcheck // Go is a name

// parseCiphers reads the ciphers of TLS 1.2 that clients may use. If Go has none of them, clients have to use TLS 1.3, whose
// ciphers the setting does not restrict. A list that can't be had closes the paths.
func parseCiphers(r *setting.Reader, defaults route.ClientTLS) route.ClientTLS {
	const name = "ssl-ciphers"
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
