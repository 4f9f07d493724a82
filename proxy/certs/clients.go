package certs

import (
	"crypto/x509"
	"strings"

	"github.com/ingress-testbed/testbed/proxy/route"
)

// AskClients sets the hosts whose clients have to send a certificate. It is called before the store is used.
func (s *Store) AskClients(hosts []route.ClientAuthorities) {
	s.asked = make(map[string]*x509.CertPool, len(hosts))
	for _, host := range hosts {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(host.RootsPEM) // without any, clients may show whatever they have
		s.asked[host.Host] = pool
	}
}

// ClientAuthorities returns the authorities that are sent when a certificate is requested from the clients of a server name, which
// may be empty; nil if none is requested.
func (s *Store) ClientAuthorities(serverName string) *x509.CertPool {
	if len(s.asked) == 0 {
		return nil
	}
	name := strings.ToLower(strings.TrimSuffix(serverName, "."))
	if pool := s.asked[name]; pool != nil {
		return pool
	}
	if dot := strings.IndexByte(name, '.'); dot > 0 {
		if pool := s.asked["*"+name[dot:]]; pool != nil {
			return pool
		}
	}
	return s.asked[""]
}
