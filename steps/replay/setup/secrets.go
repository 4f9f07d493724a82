package setup

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ingress-testbed/testbed/internal/x509util"
	"github.com/ingress-testbed/testbed/steps/replay/record"
)

// Secrets are the Secrets of a record, made anew.
type Secrets struct {
	objects []*corev1.Secret
	// Certificates are the names of those that hold a certificate.
	Certificates []string
	// Clients are the certificates of clients by their common names, signed by the record's authority.
	Clients map[string]tls.Certificate
}

// In returns the Secrets for a namespace.
func (s *Secrets) In(namespace string) []*corev1.Secret {
	var all []*corev1.Secret
	for _, original := range s.objects {
		secret := original.DeepCopy()
		secret.Namespace = namespace
		all = append(all, secret)
	}
	return all
}

// NewSecrets makes the Secrets of a record, and the client certificates that its requests need.
func NewSecrets(whole *record.Record) (*Secrets, error) {
	s := &Secrets{Clients: map[string]tls.Certificate{}}
	for _, wanted := range whole.About.Secrets {
		secret := &corev1.Secret{
			TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
			ObjectMeta: metav1.ObjectMeta{Name: wanted.Name},
			Type:       corev1.SecretTypeOpaque, Data: map[string][]byte{},
		}
		for key, value := range wanted.Data {
			secret.Data[key] = []byte(value)
		}
		var err error
		switch {
		case len(wanted.Hosts) > 0:
			err = s.serverCertificate(secret, wanted)
		case wanted.Authority != "":
			err = s.authority(secret, wanted, clientNames(whole))
		}
		if err != nil {
			return nil, fmt.Errorf("making the Secret %s: %w", wanted.Name, err)
		}
		s.objects = append(s.objects, secret)
	}
	return s, nil
}

// serverCertificate puts a self-signed certificate with the name of the Secret into it.
func (s *Secrets) serverCertificate(secret *corev1.Secret, wanted record.Secret) error {
	template := validToday(wanted.Name)
	template.DNSNames = wanted.Hosts
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
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
	s.Certificates = append(s.Certificates, wanted.Name)
	return nil
}

// authority puts the certificate of an authority into the Secret and issues the clients' certificates.
func (s *Secrets) authority(secret *corev1.Secret, wanted record.Secret, clients []string) error {
	template := validToday(wanted.Authority)
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	issuer, err := x509util.Issue(template, nil)
	if err != nil {
		return err
	}
	secret.Data["ca.crt"] = issuer.PEM()
	for _, name := range clients {
		template := validToday(name)
		template.KeyUsage = x509.KeyUsageDigitalSignature
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		issued, err := x509util.Issue(template, issuer)
		if err != nil {
			return err
		}
		s.Clients[name] = issued.TLS()
	}
	return nil
}

func validToday(name string) x509.Certificate {
	now := time.Now()
	return x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 0, 30),
	}
}

// clientNames are the common names of the client certificates that requests give.
func clientNames(whole *record.Record) []string {
	var names []string
	for _, one := range whole.Cases() {
		for _, request := range one.Requests {
			if request.ClientCertificate != "" {
				names = append(names, request.ClientCertificate)
			}
		}
	}
	return names
}
