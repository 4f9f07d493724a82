// Package certs chooses the certificate that a TLS client is served: by its server name (SNI, RFC 6066 section 3)
// exactly, then by wildcard, else the default one.
package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"github.com/ingress-testbed/testbed/proxy/route"
)

// Store is an immutable set of certificates.
type Store struct {
	byName   map[string]*tls.Certificate // "*.example.com" for wildcards
	fallback *tls.Certificate
	parsed   map[string]*tls.Certificate // by PEM text, for the store that comes after this one
	asked    map[string]*x509.CertPool   // the authorities that clients are shown, by host

	restricted map[string]*route.ClientTLS // by host
}

// New parses the certificates. A bad one is reported and left out, the others are served; of two for the same name
// the earlier is. Without a good defaultCertificate, selfMade is the default. A certificate that previous (which may
// be nil) has parsed already is not parsed again.
func New(certificates []route.Certificate, defaultCertificate *route.Certificate, selfMade *tls.Certificate,
	previous *Store) (*Store, []error) {
	s := &Store{
		byName:   make(map[string]*tls.Certificate, len(certificates)),
		fallback: selfMade,
		parsed:   make(map[string]*tls.Certificate, len(certificates)),
	}
	var problems []error
	for i := range certificates {
		certificate, err := s.parse(&certificates[i], previous)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		names := certificates[i].Hosts
		if len(names) == 0 {
			names = ownNames(certificate.Leaf)
		}
		for _, name := range names {
			name = strings.ToLower(name)
			if _, taken := s.byName[name]; !taken {
				s.byName[name] = certificate
			}
		}
	}
	if defaultCertificate != nil {
		certificate, err := s.parse(defaultCertificate, previous)
		if err != nil {
			problems = append(problems, fmt.Errorf("default certificate: %w", err))
		} else {
			s.fallback = certificate
		}
	}
	return s, problems
}

// Find returns the certificate for a server name, which may be empty.
func (s *Store) Find(serverName string) *tls.Certificate {
	certificate, _ := s.Match(serverName)
	return certificate
}

// Match is Find, with the name of the certificate that matched: the server name, or "*." and what follows its first label;
// "" for the default certificate.
func (s *Store) Match(serverName string) (certificate *tls.Certificate, matched string) {
	name := strings.ToLower(strings.TrimSuffix(serverName, "."))
	if certificate := s.byName[name]; certificate != nil {
		return certificate, name
	}
	if dot := strings.IndexByte(name, '.'); dot > 0 {
		wildcard := "*" + name[dot:]
		if certificate := s.byName[wildcard]; certificate != nil {
			return certificate, wildcard
		}
	}
	return s.fallback, ""
}

func (s *Store) parse(certificate *route.Certificate, previous *Store) (*tls.Certificate, error) {
	key := string(certificate.ChainPEM) + "\x00" + string(certificate.KeyPEM)
	parsed := s.parsed[key]
	if parsed == nil && previous != nil {
		parsed = previous.parsed[key]
	}
	if parsed == nil {
		pair, err := tls.X509KeyPair(certificate.ChainPEM, certificate.KeyPEM)
		if err != nil {
			return nil, fmt.Errorf("certificate %q: %w", certificate.Origin, withoutPrefix(err))
		}
		parsed = &pair
	}
	s.parsed[key] = parsed
	return parsed, nil
}

// ownNames are the names that a certificate is for. One without subject alternative names is taken for its common
// name: clients no longer verify it, but people make such certificates, and expect to see them served.
func ownNames(leaf *x509.Certificate) []string {
	if len(leaf.DNSNames) > 0 || leaf.Subject.CommonName == "" {
		return leaf.DNSNames
	}
	return []string{leaf.Subject.CommonName}
}

func withoutPrefix(err error) error {
	if text, had := strings.CutPrefix(err.Error(), "tls: "); had {
		return errors.New(text)
	}
	return err
}
