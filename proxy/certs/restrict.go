package certs

import (
	"crypto/tls"
	"strings"

	"github.com/ingress-testbed/testbed/proxy/route"
)

// Restrict restricts the TLS of the clients of some hosts. It is called before the store is used.
func (s *Store) Restrict(hosts []route.HostTLS) {
	s.restricted = make(map[string]*route.ClientTLS, len(hosts))
	for i := range hosts {
		s.restricted[hosts[i].Host] = &hosts[i].TLS
	}
}

// Restricted returns the configuration for the clients of a server name, which may be empty; nil if it is the given one.
func (s *Store) Restricted(serverName string, config *tls.Config) *tls.Config {
	restriction := s.restriction(serverName)
	if restriction == nil {
		return nil
	}
	restricted := config.Clone()
	if restriction.MinVersion != 0 {
		restricted.MinVersion = restriction.MinVersion
	}
	restricted.MaxVersion = restriction.MaxVersion
	restricted.CipherSuites = restriction.Ciphers
	restricted.CurvePreferences = restriction.Curves
	restricted.SessionTicketsDisabled = restriction.NoTickets
	return restricted
}

func (s *Store) restriction(serverName string) *route.ClientTLS {
	if len(s.restricted) == 0 {
		return nil
	}
	name := strings.ToLower(strings.TrimSuffix(serverName, "."))
	if found := s.restricted[name]; found != nil {
		return found
	}
	if dot := strings.IndexByte(name, '.'); dot > 0 {
		if found := s.restricted["*"+name[dot:]]; found != nil {
			return found
		}
	}
	return s.restricted[""]
}
