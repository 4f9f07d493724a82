// Package tls defines the steps about certificates and about the TLS connection of the last request.
package tls

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/ingress-testbed/testbed/fixtures/certificates"
	"github.com/ingress-testbed/testbed/reports/effect"
	"github.com/ingress-testbed/testbed/steps/client"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
	"github.com/ingress-testbed/testbed/steps/world"
)

// steps are the handlers.
type steps struct{ secrets typedcorev1.SecretsGetter }

// Definitions returns the steps. Secrets reads the Secrets that served certificates are compared with.
func Definitions(secrets typedcorev1.SecretsGetter) []vocabulary.Definition {
	s := steps{secrets}
	return slices.Concat(s.clientCertificates(), connections(), []vocabulary.Definition{
		{
			Pattern: `a TLS Secret "([^"]*)" with a self-signed certificate for "([^"]*)"`,
			Example: `a TLS Secret "secret-https" with a self-signed certificate for "gyull.com"`,
			Handler: func(ctx context.Context, name, domain string) error {
				return selfSigned(ctx, name, domain, certificates.SelfSigned)
			},
		},
		{
			Pattern: `a TLS Secret "([^"]*)" with a self-signed ECDSA certificate for "([^"]*)"`,
			Example: `a TLS Secret "alice" with a self-signed ECDSA certificate for "alice"`,
			Handler: func(ctx context.Context, name, domain string) error {
				return selfSigned(ctx, name, domain, certificates.SelfSignedECDSA)
			},
		},
		{
			Pattern: `a TLS Secret "([^"]*)" with a certificate for "([^"]*)"`,
			Example: `a TLS Secret "shop" with a certificate for "shop.${domain}, *.shop.${domain}"`,
			Handler: issued,
		},
		{
			Pattern: `a TLS Secret "([^"]*)" with a certificate for "([^"]*)" and (\d+) intermediate authorit(?:y|ies)`,
			Example: `a TLS Secret "shop" with a certificate for "shop.${domain}" and 2 intermediate authorities`,
			Handler: issuedBelow,
		},
		{
			Pattern: `the certificate served is that of the Secret "([^"]*)"`,
			Example: `the certificate served is that of the Secret "secret-https"`,
			Handler: func(ctx context.Context, name string) error { return s.servesCertificateOf(ctx, name, true) },
		},
		{
			Pattern: `within (\d+) seconds, the certificate served at "([^"]*)" is that of the Secret "([^"]*)"`,
			Example: `within 10 seconds, the certificate served at "https://shop.${domain}/" is that of the Secret "secret-https"`,
			Handler: s.servesCertificateWithin,
		},
		{
			Pattern: `the certificate served is not that of the Secret "([^"]*)"`,
			Example: `the certificate served is not that of the Secret "secret-https"`,
			Handler: func(ctx context.Context, name string) error { return s.servesCertificateOf(ctx, name, false) },
		},
		{
			Pattern: `the certificate served is for "([^"]*)" and names no other hosts`,
			Example: `the certificate served is for "CN=gyull.com,O=gyull.com" and names no other hosts`,
			Handler: subjectIs,
		},
		{
			Pattern: `the connection uses "(TLS 1\.[0-3])" or newer`,
			Example: `the connection uses "TLS 1.2" or newer`,
			Handler: versionIsAtLeast,
		},
		{
			Pattern: `the connection uses no other version than "(TLS 1\.[0-3])"`,
			Example: `the connection uses no other version than "TLS 1.2"`,
			Handler: versionIs,
		},
	})
}

// selfSigned applies a Secret with a self-signed certificate that has only a subject, as `openssl req -x509 -subj` makes
// it.
func selfSigned(ctx context.Context, name, domain string, generate func(domain string) (certificates.Pair, error)) error {
	applied, err := appliedCertificate(ctx, name)
	if err != nil {
		return err
	}
	if applied != nil && applied.Subject.CommonName == domain && len(applied.DNSNames) == 0 {
		return nil
	}
	pair, err := generate(domain)
	if err != nil {
		return fmt.Errorf("creating a certificate for %s: %w", domain, err)
	}
	return applySecret(ctx, name, pair, nil)
}

// issued applies a Secret with a certificate that an authority has issued for a list of hosts.
func issued(ctx context.Context, name, list string) error {
	var hosts []string
	for host := range strings.SplitSeq(list, ",") {
		hosts = append(hosts, strings.TrimSpace(host))
	}
	applied, err := appliedCertificate(ctx, name)
	if err != nil {
		return err
	}
	if applied != nil && slices.Equal(applied.DNSNames, hosts) {
		return nil
	}
	authority, err := certificates.NewAuthority("Ingress Test-bed Scenario")
	if err != nil {
		return fmt.Errorf("creating a certificate authority: %w", err)
	}
	pair, err := authority.Issue(certificates.Leaf{Hosts: hosts})
	if err != nil {
		return fmt.Errorf("issuing a certificate for %s: %w", list, err)
	}
	return applySecret(ctx, name, pair, nil)
}

// maxIntermediates is the most intermediate authorities of a certificate.
const maxIntermediates = 10

// issuedBelow applies a Secret with a certificate for a host, also for clients, followed by those of a row of intermediate authorities. The key
// ca.crt has the root that they lead to.
func issuedBelow(ctx context.Context, name, host string, intermediates int) error {
	if intermediates > maxIntermediates {
		return fmt.Errorf("a certificate has at most %d intermediate authorities, not %d", maxIntermediates, intermediates)
	}
	chain, root, err := certificates.Chain(host, intermediates)
	if err != nil {
		return fmt.Errorf("issuing a certificate for %s: %w", host, err)
	}
	return applySecret(ctx, name, chain, root)
}

// appliedCertificate returns the certificate in a Secret that the scenario or its walkthrough has applied, so that a
// background that runs before each scenario doesn't replace it; nil if there is none.
func appliedCertificate(ctx context.Context, name string) (*x509.Certificate, error) {
	object, found := world.From(ctx).Namespace.Applied("Secret", name)
	if !found {
		return nil, nil //nolint:nilnil // see above
	}
	var secret corev1.Secret
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &secret); err != nil {
		return nil, fmt.Errorf("decoding Secret %s: %w", name, err)
	}
	return certificateIn(&secret)
}

func certificateIn(secret *corev1.Secret) (*x509.Certificate, error) {
	block, _ := pem.Decode(secret.Data[corev1.TLSCertKey])
	if block == nil {
		return nil, fmt.Errorf("the Secret %s contains no certificate", secret.Name)
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("parsing the certificate in Secret %s: %w", secret.Name, err)
	}
	return certificate, nil
}

// applySecret applies a Secret with a certificate and, unless it is nil, that of its authority.
func applySecret(ctx context.Context, name string, pair certificates.Pair, authority []byte) error {
	data := map[string][]byte{corev1.TLSCertKey: pair.Certificate, corev1.TLSPrivateKeyKey: pair.Key}
	if authority != nil {
		data[corev1.ServiceAccountRootCAKey] = authority
	}
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&corev1.Secret{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Type:       corev1.SecretTypeTLS,
		Data:       data,
	})
	if err != nil {
		return fmt.Errorf("encoding Secret %s: %w", name, err)
	}
	_, err = world.From(ctx).Namespace.Apply(ctx, &unstructured.Unstructured{Object: fields})
	return err
}

// lastConnection returns the TLS state of the last request's connection, with at least one peer certificate.
func lastConnection(ctx context.Context) (*tls.ConnectionState, error) {
	exchange, err := world.From(ctx).Last()
	if err != nil {
		return nil, err
	}
	if exchange.TLS == nil || len(exchange.TLS.PeerCertificates) == 0 {
		return nil, errors.New("the last request was not made over TLS: its URL must begin with https://")
	}
	return exchange.TLS, nil
}

// servesCertificateWithin repeats the request: a controller watches Ingresses and Secrets separately, so that it may know an
// Ingress before its Secret.
func (s steps) servesCertificateWithin(ctx context.Context, seconds int, url, name string) error {
	scenario := world.From(ctx)
	return scenario.Eventually(ctx, time.Duration(seconds)*time.Second, func(ctx context.Context) error {
		exchange, err := scenario.Client.Do(ctx, client.Request{Method: http.MethodGet, URL: url})
		if err != nil {
			return err
		}
		scenario.Exchanges = []client.Exchange{exchange}
		return s.servesCertificateOf(ctx, name, true)
	})
}

// servesCertificateOf expects that the leaf certificate is, or is not, that of a Secret. Clients that verify certificates
// accept no other.
func (s steps) servesCertificateOf(ctx context.Context, name string, expected bool) error {
	connection, err := lastConnection(ctx)
	if err != nil {
		return err
	}
	secret, err := s.secrets.Secrets(world.From(ctx).Namespace.Name).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("reading Secret %s: %w", name, err)
	}
	certificate, err := certificateIn(secret)
	if err != nil {
		return err
	}
	served := connection.PeerCertificates[0]
	if served.Equal(certificate) == expected {
		return nil
	}
	if expected {
		return world.AnswerFailure(effect.Lost, "the certificate of Secret "+name+", "+describe(certificate), describe(served), world.Diagnosis)
	}
	return world.AnswerFailure(effect.AnswersDifferently, "another certificate than that of Secret "+name, describe(served), world.Diagnosis)
}

func describe(certificate *x509.Certificate) string {
	return fmt.Sprintf("%s, names %q, serial number %x", certificate.Subject, certificate.DNSNames, certificate.SerialNumber)
}

// subjectIs compares the subject (RFC 4514) regardless of its order, and expects no alternative names.
func subjectIs(ctx context.Context, subject string) error {
	connection, err := lastConnection(ctx)
	if err != nil {
		return err
	}
	served := connection.PeerCertificates[0]
	attributes := func(name string) []string { return slices.Sorted(strings.SplitSeq(name, ",")) }
	same := slices.Equal(attributes(subject), attributes(served.Subject.String()))
	if !same || len(served.DNSNames)+len(served.IPAddresses) > 0 {
		return world.AnswerFailure(effect.Lost, "a certificate for "+subject+" without alternative names", describe(served), world.Diagnosis)
	}
	return nil
}

func versionIs(ctx context.Context, version string) error {
	connection, err := lastConnection(ctx)
	if err != nil {
		return err
	}
	if used := tls.VersionName(connection.Version); used != version {
		return world.AnswerFailure(effect.AnswersDifferently, version, used, world.Diagnosis)
	}
	return nil
}

func versionIsAtLeast(ctx context.Context, version string) error {
	connection, err := lastConnection(ctx)
	if err != nil {
		return err
	}
	minimum := uint16(tls.VersionTLS10) + uint16(version[len(version)-1]-'0')
	if connection.Version < minimum {
		return world.AnswerFailure(effect.AnswersDifferently, version+" or newer", tls.VersionName(connection.Version), world.Diagnosis)
	}
	return nil
}
