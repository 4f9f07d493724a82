// Package tlsprofile compiles how the endpoints of an upstream are reached over TLS.
package tlsprofile

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/ingress-testbed/testbed/proxy/route"
)

// Profile is how the endpoints of an upstream are reached over TLS. The zero value is plain text.
type Profile struct {
	// Identity is the same for the same settings; "" is plain text.
	Identity string
	config   *tls.Config // nil for plain text
}

// Secure reports whether endpoints are reached over TLS.
func (p Profile) Secure() bool { return p.config != nil }

// Config returns a copy of the configuration for the client's side of connections; nil for plain text.
func (p Profile) Config() *tls.Config { return p.config.Clone() }

// New compiles the settings of an upstream; nil settings are the zero value. If verification was requested
// but cannot be set up, it fails.
func New(protocol route.Protocol, settings *route.TLS) (Profile, error) {
	if !protocol.Secure() {
		return Profile{}, nil
	}
	if settings == nil {
		settings = new(route.TLS)
	}
	config := &tls.Config{
		MinVersion: tls.VersionTLS12,
		//nolint:gosec // as with ingress-nginx, certificates are not verified unless configured: see newVerifier
		InsecureSkipVerify: true,
	}
	if protocol.HTTP2() {
		config.NextProtos = []string{"h2"}
	}
	if settings.MinVersion != 0 {
		config.MinVersion = settings.MinVersion
	}
	config.MaxVersion, config.CipherSuites = settings.MaxVersion, settings.Ciphers
	if settings.SendServerName {
		config.ServerName = settings.ServerName
	}
	if settings.Verify {
		verify, err := newVerifier(settings)
		if err != nil {
			return Profile{}, err
		}
		config.VerifyConnection = verify
	}
	var own route.Certificate
	if settings.Certificate != nil {
		own = *settings.Certificate
		pair, err := tls.X509KeyPair(own.ChainPEM, own.KeyPEM)
		if err != nil {
			return Profile{}, fmt.Errorf("the certificate %q for endpoints: %w", own.Origin, err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %q %t %t %d %q %q %q %d %d %d", protocol, settings.ServerName,
		settings.SendServerName, settings.Verify, settings.VerifyDepth, settings.RootsPEM, own.ChainPEM, own.KeyPEM,
		settings.MinVersion, settings.MaxVersion, settings.Ciphers))
	return Profile{Identity: hex.EncodeToString(sum[:]), config: config}, nil
}

// newVerifier makes what verifies an endpoint's certificate. It is called for resumed sessions too, unlike the
// verification of crypto/tls, which also cannot verify a name that is not sent.
func newVerifier(settings *route.TLS) (func(tls.ConnectionState) error, error) {
	if settings.ServerName == "" {
		return nil, errors.New("endpoints can't be verified without the name that their certificates must have")
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(settings.RootsPEM) {
		return nil, errors.New("endpoints can't be verified without a root certificate")
	}
	name, depth := settings.ServerName, settings.VerifyDepth
	return func(state tls.ConnectionState) error {
		options := x509.VerifyOptions{Roots: roots, DNSName: name, Intermediates: x509.NewCertPool()}
		for _, certificate := range state.PeerCertificates[1:] {
			options.Intermediates.AddCert(certificate)
		}
		chains, err := state.PeerCertificates[0].Verify(options)
		if err != nil {
			return err
		}
		for _, chain := range chains {
			if len(chain)-2 <= depth { // neither the endpoint's own nor the root counts
				return nil
			}
		}
		return fmt.Errorf("there are more than %d intermediate certificates", depth)
	}, nil
}
