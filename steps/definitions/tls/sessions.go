package tls

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"

	"github.com/ingress-testbed/testbed/reports/effect"
	"github.com/ingress-testbed/testbed/steps/client"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
	"github.com/ingress-testbed/testbed/steps/world"
)

// connections are the steps about how connections are made.
func connections() []vocabulary.Definition {
	return []vocabulary.Definition{
		{
			Pattern: `the keys were exchanged with the curve "([^"]*)"`,
			Example: `the keys were exchanged with the curve "X25519"`,
			Handler: curveIs,
		},
		{
			Pattern: `the connection uses the cipher "([^"]*)"`,
			Example: `the connection uses the cipher "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"`,
			Handler: cipherIs,
		},
		{
			Pattern: `a second connection to "([^"]*)" (resumes the TLS session|has a TLS session of its own)`,
			Example: `a second connection to "https://shop.${domain}/" resumes the TLS session`,
			Handler: resumes,
		},
	}
}

// curveIs compares the name of Go's crypto/tls.
func curveIs(ctx context.Context, curve string) error {
	connection, err := lastConnection(ctx)
	if err != nil {
		return err
	}
	if used := connection.CurveID.String(); used != curve {
		return world.Failure(curve, used, world.Diagnosis)
	}
	return nil
}

// cipherIs compares the name of the IANA, which Go's crypto/tls has.
func cipherIs(ctx context.Context, cipher string) error {
	connection, err := lastConnection(ctx)
	if err != nil {
		return err
	}
	if used := tls.CipherSuiteName(connection.CipherSuite); used != cipher {
		return world.AnswerFailure(effect.AnswersDifferently, cipher, used, world.Diagnosis)
	}
	return nil
}

// resumes makes a request on each of two connections that share a cache of sessions (RFC 8446 section 2.2).
func resumes(ctx context.Context, address, what string) error {
	parsed, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("parsing the URL %q: %w", address, err)
	}
	cache := tls.NewLRUClientSessionCache(1)
	var last bool
	for range 2 {
		if last, err = resumed(ctx, parsed, cache); err != nil {
			return err
		}
	}
	if expected := what == "resumes the TLS session"; last != expected {
		return world.Failure(fmt.Sprintf("the second connection: resumed %t", expected), fmt.Sprintf("resumed %t", last), world.Diagnosis)
	}
	return nil
}

// resumed makes a request on a new connection, because the tickets of TLS 1.3 come after the handshake, and reports whether
// that has resumed a session.
func resumed(ctx context.Context, address *url.URL, cache tls.ClientSessionCache) (bool, error) {
	scenario := world.From(ctx)
	dialer := client.Client{Dialer: scenario.Client.Dialer, Resolver: scenario.Client.Resolver}
	session := dialer.Session()
	defer session.Close()
	transport := &http.Transport{
		DialContext: session.Dial, DisableKeepAlives: true,
		//nolint:gosec // as with all requests of scenarios
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12, ClientSessionCache: cache},
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return false, fmt.Errorf("building the request for %s: %w", address, err)
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return false, fmt.Errorf("requesting %s: %w", address, err)
	}
	defer response.Body.Close()
	if response.TLS == nil {
		return false, fmt.Errorf("requesting %s: the connection is not over TLS", address)
	}
	return response.TLS.DidResume, nil
}
