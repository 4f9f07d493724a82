package steps

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/ingress-testbed/testbed/fixtures/certificates"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
)

// handshakes are the steps about certificates and the TLS connection of the last request.
type handshakes struct{ *scenario }

func (h *handshakes) Definitions() []vocabulary.Definition {
	return []vocabulary.Definition{
		{
			Pattern: `a TLS Secret "([^"]*)" with a self-signed certificate for "([^"]*)"`,
			Example: `a TLS Secret "secret-https" with a self-signed certificate for "gyull.com"`,
			Handler: h.selfSigned,
		},
		{
			Pattern: `a TLS Secret "([^"]*)" with a certificate for "([^"]*)"`,
			Example: `a TLS Secret "shop" with a certificate for "shop.${domain}, *.shop.${domain}"`,
			Handler: h.issued,
		},
		{
			Pattern: `the certificate served is that of the Secret "([^"]*)"`,
			Example: `the certificate served is that of the Secret "secret-https"`,
			Handler: func(ctx context.Context, name string) error { return h.servedIs(ctx, name, true) },
		},
		{
			Pattern: `the certificate served is not that of the Secret "([^"]*)"`,
			Example: `the certificate served is not that of the Secret "secret-https"`,
			Handler: func(ctx context.Context, name string) error { return h.servedIs(ctx, name, false) },
		},
		{
			Pattern: `the certificate served is for "([^"]*)" and names no other hosts`,
			Example: `the certificate served is for "CN=gyull.com,O=gyull.com" and names no other hosts`,
			Handler: h.subjectIs,
		},
		{
			Pattern: `the handshake is of "(TLS 1\.[0-3])" or newer`,
			Example: `the handshake is of "TLS 1.2" or newer`,
			Handler: h.versionIs,
		},
	}
}

func (h *handshakes) selfSigned(ctx context.Context, name, domain string) error {
	if h.place.certified[name] == domain {
		return nil
	}
	pair, err := certificates.SelfSigned(domain)
	if err != nil {
		return fmt.Errorf("making a certificate for %s: %w", domain, err)
	}
	return h.applySecret(ctx, name, domain, pair)
}

func (h *handshakes) issued(ctx context.Context, name, hosts string) error {
	if h.place.certified[name] == hosts {
		return nil
	}
	var leaf certificates.Leaf
	for host := range strings.SplitSeq(hosts, ",") {
		leaf.Hosts = append(leaf.Hosts, strings.TrimSpace(host))
	}
	authority, err := certificates.NewAuthority("Ingress Test-bed Scenario")
	if err != nil {
		return fmt.Errorf("making a certificate authority: %w", err)
	}
	pair, err := authority.Issue(leaf)
	if err != nil {
		return fmt.Errorf("making a certificate for %s: %w", hosts, err)
	}
	return h.applySecret(ctx, name, hosts, pair)
}

func (h *handshakes) applySecret(ctx context.Context, name, hosts string, pair certificates.Pair) error {
	secret := &corev1.Secret{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Type:       corev1.SecretTypeTLS,
		Data:       map[string][]byte{corev1.TLSCertKey: pair.Certificate, corev1.TLSPrivateKeyKey: pair.Key},
	}
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(secret)
	if err != nil {
		return fmt.Errorf("making Secret %s: %w", name, err)
	}
	if _, err := h.applyOne(ctx, &unstructured.Unstructured{Object: fields}); err != nil {
		return err
	}
	h.place.certified[name] = hosts
	return nil
}

func (s *scenario) lastTLS() (*tls.ConnectionState, error) {
	exchange, err := s.last()
	if err != nil {
		return nil, err
	}
	if exchange.TLS == nil || len(exchange.TLS.PeerCertificates) == 0 {
		return nil, errors.New("the last request was not made over TLS: its URL must begin with https://")
	}
	return exchange.TLS, nil
}

func (h *handshakes) servedIs(ctx context.Context, name string, wanted bool) error {
	state, err := h.lastTLS()
	if err != nil {
		return err
	}
	secret, err := h.Objects.Clientset.CoreV1().Secrets(h.place.namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("reading Secret %s: %w", name, err)
	}
	block, _ := pem.Decode(secret.Data[corev1.TLSCertKey])
	if block == nil {
		return fmt.Errorf("the Secret %s holds no certificate", name)
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return fmt.Errorf("reading the certificate in Secret %s: %w", name, err)
	}
	served := state.PeerCertificates[0]
	if served.Equal(certificate) == wanted {
		return nil
	}
	if wanted {
		return failure("the certificate of Secret "+name+", "+describeCertificate(certificate), describeCertificate(served), whereToLook)
	}
	return failure("another certificate than that of Secret "+name, describeCertificate(served), whereToLook)
}

func describeCertificate(certificate *x509.Certificate) string {
	return fmt.Sprintf("%s, names %q, serial number %x", certificate.Subject, certificate.DNSNames, certificate.SerialNumber)
}

// subjectIs compares the subject as RFC 4514 writes it, in either order, and expects no alternative names.
func (h *handshakes) subjectIs(_ context.Context, subject string) error {
	state, err := h.lastTLS()
	if err != nil {
		return err
	}
	served := state.PeerCertificates[0]
	same := strings.Join(sorted(strings.Split(subject, ",")), ",") == strings.Join(sorted(strings.Split(served.Subject.String(), ",")), ",")
	if !same || len(served.DNSNames)+len(served.IPAddresses) > 0 {
		return failure("a certificate for "+subject+" without alternative names", describeCertificate(served), whereToLook)
	}
	return nil
}

func (h *handshakes) versionIs(_ context.Context, version string) error {
	state, err := h.lastTLS()
	if err != nil {
		return err
	}
	wanted := uint16(tls.VersionTLS10) + uint16(version[len(version)-1]-'0')
	if state.Version < wanted {
		return failure(version, tls.VersionName(state.Version), whereToLook)
	}
	return nil
}
