package standin

import (
	"fmt"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/ingress-testbed/testbed/internal/x509util"
	"github.com/ingress-testbed/testbed/steps/compare/estate"
	"github.com/ingress-testbed/testbed/steps/generatedsecret"
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
	backend, err := generatedsecret.Authority("backends")
	if err != nil {
		return err
	}
	shapes, backendNames := shapesOf(s.Ingresses)
	authorities := map[string]*x509util.Certificate{}
	for _, name := range sortedKeys(shapes) {
		if err := s.addSecret(name, shapes[name], backend, authorities); err != nil {
			return fmt.Errorf("making a stand-in for the Secret %s: %w", name, err)
		}
	}
	certificate, err := generatedsecret.Server("stand-in", backendNames, backend)
	if err != nil {
		return err
	}
	s.BackendCertificate = certificate.TLS()
	return s.issueClients(authorities)
}

// shapesOf collects what the Secrets of Ingresses are needed for, and the names that backends are verified by.
func shapesOf(ingresses []*networkingv1.Ingress) (shapes map[types.NamespacedName]*shape, backendNames []string) {
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
	for _, ingress := range ingresses {
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
	var content generatedsecret.Content
	var err error
	unprefixed := strings.TrimPrefix(name.String(), s.options.Prefix)
	if shape.isServer || shape.forBackend {
		if content.Certificate, err = generatedsecret.Server(unprefixed, validHosts(shape.hosts), nil); err != nil {
			return err
		}
		s.Certificates = append(s.Certificates, content.Certificate.X509.Subject.CommonName)
	}
	if shape.passwords {
		content.User, content.Password, content.ByUser = User, Password, shape.byUser
	}
	switch {
	case shape.authority:
		if content.Authority, err = generatedsecret.Authority(unprefixed); err != nil {
			return err
		}
		authorities[name.String()] = content.Authority
	case shape.forBackend:
		content.Authority = backend
	}
	secret, err := content.Secret(name)
	if err != nil {
		return err
	}
	s.Secrets = append(s.Secrets, secret)
	return nil
}

// validHosts are the hosts that a certificate can name, each once.
func validHosts(hosts []string) []string {
	slices.Sort(hosts)
	return slices.DeleteFunc(slices.Compact(hosts), func(host string) bool { return !isHost(strings.ToLower(host)) })
}

// issueClients makes the certificates that requests present. Those of Secrets that no Ingress names have an authority of
// their own.
func (s *StandIns) issueClients(authorities map[string]*x509util.Certificate) error {
	for _, name := range s.options.ClientCertificates {
		commonName, secret := ParseClientCertificate(name)
		issuer := authorities[secret]
		if issuer == nil {
			var err error
			if issuer, err = generatedsecret.Authority(strings.TrimPrefix(secret, s.options.Prefix)); err != nil {
				return err
			}
			authorities[secret] = issuer
		}
		issued, err := generatedsecret.Client(commonName, issuer)
		if err != nil {
			return fmt.Errorf("making the client certificate %s: %w", name, err)
		}
		s.Clients[name] = issued.TLS()
	}
	return nil
}
