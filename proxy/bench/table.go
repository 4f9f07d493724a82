package main

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// table is what the proxy serves in a scenario: one route to the endpoints, with a canary that no request is for. dir
// has the certificate. It is the only place that knows the model of routes.
func table(s scenario, policies bool, dir string) (*route.Table, error) {
	chain, chainErr := os.ReadFile(filepath.Join(dir, "chain.pem"))
	key, keyErr := os.ReadFile(filepath.Join(dir, "key.pem"))
	if err := errors.Join(chainErr, keyErr); err != nil {
		return nil, err
	}
	upstream := route.Upstream{Name: "bench"}
	if s.endpoints != http1Endpoints {
		upstream.Protocol = route.H2C
	}
	for _, port := range backendPorts {
		address := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port))
		upstream.Endpoints = append(upstream.Endpoints, route.Endpoint{Address: address})
	}
	forward := route.To(upstream.Name)
	forward.Canary = &route.Canary{Backend: forward.Backends[0], Header: "X-Canary", Cookie: "canary"}
	all := route.Route{Match: route.PrefixPath("/"), Action: forward}
	if policies {
		all.Policies = fivePolicies()
	}
	var forwarded route.Forwarded
	if s.forwarded {
		forwarded.TrustHeaders, forwarded.TrustedProxies = true, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	}
	return &route.Table{
		Hosts:              []route.Host{{Routes: []route.Route{all}}},
		Upstreams:          []route.Upstream{upstream},
		DefaultCertificate: &route.Certificate{ChainPEM: chain, KeyPEM: key},
		Forwarded:          forwarded,
	}, nil
}

// fivePolicies are what a route may have that each request passes without being answered by it: of a request that came
// by HTTPS nothing is redirected, its reply gets a field, and the endpoint another Host.
func fivePolicies() []route.Policy {
	return []route.Policy{
		policy.RedirectToHTTPS{},
		policy.HSTS{Value: "max-age=31536000; includeSubDomains"},
		policy.BodySize{Bytes: 1 << 20},
		policy.Timeouts{Connect: 5 * time.Second, Response: time.Minute},
		policy.UpstreamHost{Host: "bench.internal"},
	}
}
