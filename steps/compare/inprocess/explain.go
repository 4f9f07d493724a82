package inprocess

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/explain"
	"github.com/ingress-testbed/testbed/fixtures/backends"
	"github.com/ingress-testbed/testbed/steps/compare"
	"github.com/ingress-testbed/testbed/steps/compare/derive"
	"github.com/ingress-testbed/testbed/steps/compare/standin"
)

// newExplainer explains requests to the objects of a store, with stand-ins that answer as those of the network do.
func newExplainer(store *store, mode compatibility.Mode, network *network, made *standin.StandIns) *explain.Explainer {
	return explain.Of(store.snapshot(mode), explain.Options{
		Backend: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			address, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
			if address == nil {
				http.Error(w, "unknown address", http.StatusInternalServerError)
				return
			}
			to := network.targets[address.String()]
			backends.StandIn(to.pod, func(*http.Request) int { return to.port }).ServeHTTP(w, r)
		}),
		BackendTLS: backendTLS(made),
		Refused: func(address netip.AddrPort) bool {
			_, known := network.targets[address.String()]
			return !known
		},
		Names: func(netip.Addr) string { return "stand-in" },
	})
}

// explanation explains a probe that is sent once, from the first address of its kind.
func (s *session) explanation(ctx context.Context, probe *derive.Probe) (*explain.Explanation, error) {
	if s.explainer == nil {
		return nil, fmt.Errorf("explaining a changed table: %w", compare.ErrUnsupported)
	}
	request, err := s.explained(probe)
	if err != nil {
		return nil, err
	}
	return s.explainer().Explain(ctx, request)
}

// Explain implements compare.Explainer.
func (s *session) Explain(ctx context.Context, probe *derive.Probe) (string, error) {
	explained, err := s.explanation(ctx, probe)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	if err := explained.WriteText(&text); err != nil {
		return "", err
	}
	return text.String(), nil
}

// explained is a probe as a request to explain.
func (s *session) explained(probe *derive.Probe) (explain.Request, error) {
	r := probe.Request
	if !probe.IsURL() {
		return explain.Request{}, fmt.Errorf("a request that no URL describes: %w", compare.ErrUnsupported)
	}
	made := explain.Request{
		Method: r.Method, HTTP2: r.HTTP2, Client: address(probe.From, 0), Header: []explain.Field{{Name: "User-Agent", Value: "probe"}},
		Body: bytes.Repeat([]byte("x"), r.BodyBytes),
	}
	if made.Method == "" {
		made.Method = http.MethodGet
	}
	scheme := "http"
	if r.HTTPS {
		scheme = "https"
	}
	var err error
	if made.URL, err = url.Parse(scheme + "://" + r.Host + r.Target); err != nil {
		return made, fmt.Errorf("%w: %w", compare.ErrUnsupported, err)
	}
	for _, line := range r.Headers {
		name, value, _ := strings.Cut(line, ":")
		made.Header = append(made.Header, explain.Field{Name: name, Value: strings.TrimSpace(value)})
	}
	if certificate, ok := s.standIns.Clients[r.ClientCertificate]; ok {
		made.Certificate = &certificate
	}
	return made, nil
}

// backendTLS is how stand-ins serve TLS.
func backendTLS(made *standin.StandIns) *tls.Config {
	return &tls.Config{
		Certificates: []tls.Certificate{made.BackendCertificate}, MinVersion: tls.VersionTLS12, ClientAuth: tls.RequestClientCert,
	}
}
