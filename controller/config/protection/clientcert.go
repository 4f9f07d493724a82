package protection

import (
	"errors"
	"net/url"
	"strconv"

	"github.com/ingress-testbed/testbed/controller/config/setting"
	"github.com/ingress-testbed/testbed/proxy/policy/access"
)

// ClientCert requires a certificate of the client.
type ClientCert struct {
	// Secret is the name of a Secret with the authorities, ca.crt, and perhaps their revocation lists, ca.crl.
	Secret string
	// Policy has the rest. Its Origin and what comes from the Secret are empty.
	Policy access.ClientCertificate
}

// Keys of the Secret with authorities.
const (
	AuthoritiesKey = "ca.crt"
	RevocationsKey = "ca.crl"
)

const authoritiesName = "auth-tls-secret"

// readClientCert returns nil if no client certificate is required.
func readClientCert(r *setting.Reader) *ClientCert {
	secret := r.Protecting(authoritiesName, "", func(text string) error {
		if text == "" {
			return errors.New(`it must be "namespace/name" of a Secret`)
		}
		return nil
	})
	c := ClientCert{Secret: secret, Policy: access.ClientCertificate{Depth: 1}}
	verify := r.Protecting("auth-tls-verify-client", "on", func(text string) error {
		if _, ok := verifyModes(text); !ok && text != "off" {
			return errors.New("it must be on, off, optional or optional_no_ca")
		}
		return nil
	})
	c.Policy.Verify, _ = verifyModes(verify)
	depth := r.Protecting("auth-tls-verify-depth", "1", func(text string) error {
		if n, err := strconv.Atoi(text); err != nil || n < 0 || n > 100 {
			return errors.New("it must be a whole number from 0 to 100")
		}
		return nil
	})
	c.Policy.Depth, _ = strconv.Atoi(depth) // it was checked
	c.Policy.Subject = r.Protecting("auth-tls-match-cn", "", func(text string) error {
		if !setting.IsRegexp(text) {
			return errors.New("it must be a regular expression (RE2 syntax) for the subject, such as CN=client")
		}
		return nil
	})
	c.Policy.ErrorPage = r.Protecting("auth-tls-error-page", "", func(text string) error {
		if page, err := url.Parse(text); err != nil || page.Host == "" || page.Scheme != "http" && page.Scheme != "https" {
			return errors.New("it must be a URL that begins with http:// or https://")
		}
		return nil
	})
	c.Policy.PassCertificate = r.Bool("auth-tls-pass-certificate-to-upstream", false)
	if secret != "" && verify != "off" {
		return &c
	}
	for _, name := range []string{"auth-tls-verify-client", "auth-tls-match-cn", "auth-tls-verify-depth"} {
		if _, alone := r.Text(name); alone && secret == "" && verify != "off" {
			r.Deny(name, "it has no effect without "+authoritiesName)
		}
	}
	return nil
}

func verifyModes(text string) (access.Verify, bool) {
	switch text {
	case "on":
		return access.Required, true
	case "optional":
		return access.Optional, true
	case "optional_no_ca":
		return access.OptionalAnyCA, true
	}
	return access.Required, false
}
