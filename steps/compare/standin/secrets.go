package standin

import (
	"crypto/sha1" //nolint:gosec // a form of htpasswd that every controller reads
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/ingress-testbed/testbed/internal/x509util"
	"github.com/ingress-testbed/testbed/steps/compare/estate"
)

// shape is what a Secret has to hold.
type shape struct {
	hosts      []string // of its certificate
	isServer   bool     // has a certificate
	passwords  bool
	byUser     bool // a key for each user
	authority  bool // of client certificates
	forBackend bool // the authority of backends, and a certificate for them
}

// addSecrets makes the Secrets that the Ingresses name.
func (s *StandIns) addSecrets() error {
	backend, err := x509util.Issue(authorityTemplate("backends"), nil)
	if err != nil {
		return err
	}
	shapes, backendNames := s.shapes()
	authorities := map[string]*x509util.Certificate{}
	for _, name := range sortedKeys(shapes) {
		if err := s.addSecret(name, shapes[name], backend, authorities); err != nil {
			return fmt.Errorf("making a stand-in for the Secret %s: %w", name, err)
		}
	}
	template := validToday("stand-in")
	template.DNSNames = backendNames
	template.KeyUsage, template.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	certificate, err := x509util.Issue(template, backend)
	if err != nil {
		return err
	}
	s.BackendCertificate = certificate.TLS()
	return s.issueClients(authorities)
}

// shapes collects what Secrets are needed for, and the names that backends are verified by.
func (s *StandIns) shapes() (shapes map[types.NamespacedName]*shape, backendNames []string) {
	shapes, backendNames = map[types.NamespacedName]*shape{}, []string{"stand-in"}
	of := func(text, namespace string) *shape {
		name, ok := estate.SecretName(text, namespace)
		if !ok {
			return &shape{} // not a name: no Secret is made
		}
		if shapes[name] == nil {
			shapes[name] = &shape{}
		}
		return shapes[name]
	}
	for _, ingress := range s.Ingresses {
		for _, section := range ingress.Spec.TLS {
			if section.SecretName != "" {
				one := of(section.SecretName, ingress.Namespace)
				one.isServer = true
				one.hosts = append(one.hosts, hostsOf(section, ingress)...)
			}
		}
		if text, _ := estate.Annotation(ingress, "auth-secret"); text != "" {
			one := of(text, ingress.Namespace)
			one.passwords = true
			kind, _ := estate.Annotation(ingress, "auth-secret-type")
			one.byUser = one.byUser || kind == "auth-map"
		}
		if text, _ := estate.Annotation(ingress, "auth-tls-secret"); text != "" {
			of(text, ingress.Namespace).authority = true
		}
		if text, _ := estate.Annotation(ingress, "proxy-ssl-secret"); text != "" {
			of(text, ingress.Namespace).forBackend = true
		}
		if name, _ := estate.Annotation(ingress, "proxy-ssl-name"); isHost(name) {
			backendNames = append(backendNames, name)
		}
	}
	return shapes, backendNames
}

// hostsOf are the hosts of a tls section or, if it lists none, those of the rules.
func hostsOf(section networkingv1.IngressTLS, ingress *networkingv1.Ingress) []string {
	if len(section.Hosts) > 0 {
		return section.Hosts
	}
	var hosts []string
	for _, rule := range ingress.Spec.Rules {
		hosts = append(hosts, rule.Host)
	}
	return hosts
}

func isHost(host string) bool {
	return len(validation.IsDNS1123Subdomain(host)) == 0 || len(validation.IsWildcardDNS1123Subdomain(host)) == 0
}

func (s *StandIns) addSecret(name types.NamespacedName, shape *shape, backend *x509util.Certificate, authorities map[string]*x509util.Certificate) error {
	secret := &corev1.Secret{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name},
		Type:       corev1.SecretTypeOpaque, Data: map[string][]byte{},
	}
	if shape.isServer || shape.forBackend {
		if err := s.addCertificate(secret, shape); err != nil {
			return err
		}
	}
	if shape.passwords {
		hash := sha1.Sum([]byte(Password)) //nolint:gosec // as above
		line := "{SHA}" + base64.StdEncoding.EncodeToString(hash[:])
		if shape.byUser {
			secret.Data[User] = []byte(line)
		} else {
			secret.Data["auth"] = []byte(User + ":" + line + "\n")
		}
	}
	switch {
	case shape.authority:
		issuer, err := x509util.Issue(authorityTemplate(s.unprefixed(name.String())), nil)
		if err != nil {
			return err
		}
		authorities[name.String()] = issuer
		secret.Data["ca.crt"] = issuer.PEM()
	case shape.forBackend:
		secret.Data["ca.crt"] = backend.PEM()
	}
	s.Secrets = append(s.Secrets, secret)
	return nil
}

// addCertificate puts a self-signed certificate with the name of the Secret into it.
func (s *StandIns) addCertificate(secret *corev1.Secret, shape *shape) error {
	name := s.unprefixed(estate.Key(secret).String())
	template := validToday(name)
	slices.Sort(shape.hosts)
	for _, host := range slices.Compact(shape.hosts) {
		if isHost(strings.ToLower(host)) {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	issued, err := x509util.Issue(template, nil)
	if err != nil {
		return err
	}
	key, err := issued.KeyPEM()
	if err != nil {
		return err
	}
	secret.Type = corev1.SecretTypeTLS
	secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey] = issued.PEM(), key
	s.Certificates = append(s.Certificates, issued.X509.Subject.CommonName)
	return nil
}

// issueClients makes the certificates that requests present. Those of Secrets that no Ingress names have an authority of
// their own.
func (s *StandIns) issueClients(authorities map[string]*x509util.Certificate) error {
	for _, name := range s.options.ClientCertificates {
		commonName, secret := ParseClientCertificate(name)
		issuer := authorities[secret]
		if issuer == nil {
			var err error
			if issuer, err = x509util.Issue(authorityTemplate(s.unprefixed(secret)), nil); err != nil {
				return err
			}
			authorities[secret] = issuer
		}
		template := validToday(commonName)
		template.KeyUsage, template.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		issued, err := x509util.Issue(template, issuer)
		if err != nil {
			return fmt.Errorf("making the client certificate %s: %w", name, err)
		}
		s.Clients[name] = issued.TLS()
	}
	return nil
}

func (s *StandIns) unprefixed(name string) string { return strings.TrimPrefix(name, s.options.Prefix) }

func authorityTemplate(name string) x509.Certificate {
	template := validToday("authority of " + name)
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	return template
}

// maxCommonName is the longest common name (RFC 5280, appendix A.1, ub-common-name).
const maxCommonName = 64

func validToday(name string) x509.Certificate {
	if len(name) > maxCommonName {
		name = shortName("name", url.QueryEscape(name))
	}
	now := time.Now()
	return x509.Certificate{Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 0, 30)}
}
