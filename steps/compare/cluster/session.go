package cluster

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ingress-testbed/testbed/steps/client"
	"github.com/ingress-testbed/testbed/steps/compare"
	"github.com/ingress-testbed/testbed/steps/compare/derive"
	"github.com/ingress-testbed/testbed/steps/compare/standin"
	"github.com/ingress-testbed/testbed/steps/replay/send"
)

// session implements compare.Session, compare.Explainer and compare.Logger.
type session struct {
	target    *Target
	standIns  *standin.StandIns
	entry     client.Entry
	class     string
	prefix    prefix
	namespace string // of the stand-ins themselves
	started   time.Time
	pods      []corev1.Pod
	refused   map[string]string
	// made are the namespaces, and ingresses the Ingresses that were applied, in the order of their making.
	made, ingresses []*unstructured.Unstructured

	logMu sync.Mutex
	log   string // of the controller; "" until it is read
}

// Client implements compare.Session.
func (s *session) Client(probe *derive.Probe, _ int) (*send.Client, error) {
	switch {
	case probe.From != derive.Anywhere:
		return nil, fmt.Errorf("requests to the cluster come from one address, and lists of addresses are not changed to include it: %w", compare.ErrUnsupported)
	case probe.Limited && probe.Judge != derive.Burst:
		return nil, fmt.Errorf("requests to the cluster come from one address, so that they share the limit of their Ingress: %w", compare.ErrUnsupported)
	}
	clients := &send.Client{
		Dialer: s.target.Environment.Cluster.Client(), Entry: s.entry, Secrets: s.standIns.Certificates,
		ClientCertificates: map[string]tls.Certificate{},
	}
	for name, issued := range s.standIns.Clients {
		commonName, secret := standin.ParseClientCertificate(name)
		clients.ClientCertificates[standin.ClientCertificate(commonName, s.prefix.trim(secret))] = issued
	}
	return clients, nil
}

// Backend implements compare.Session.
func (s *session) Backend(name string) string {
	return s.prefix.trim(s.standIns.Backend(name))
}

// ClientAddresses implements compare.Session.
func (s *session) ClientAddresses(derive.From, int) []string {
	address, err := s.target.Environment.ClientAddress()
	if err != nil {
		return nil
	}
	return []string{address.String()}
}

// Refused implements compare.Session.
func (s *session) Refused() map[string]string { return s.refused }

// Notes implements compare.Session.
func (s *session) Notes() []string {
	var all []string
	for _, note := range s.standIns.Notes {
		all = append(all, s.prefix.remove(note))
	}
	return all
}

// End implements compare.Session.
func (s *session) End(ctx context.Context) error {
	api := s.target.Environment.Objects
	return errors.Join(api.StartDelete(ctx, s.ingresses), api.StartDelete(ctx, s.made))
}
