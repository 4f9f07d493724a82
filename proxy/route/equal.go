package route

import (
	"bytes"
	"slices"
)

// Equal says whether two tables do the same. It compares in order: tables made from the same objects by the same
// translation are in the same order.
func (t *Table) Equal(other *Table) bool {
	if t == nil || other == nil {
		return t == other
	}
	return slices.EqualFunc(t.Hosts, other.Hosts, Host.Equal) &&
		slices.EqualFunc(t.Upstreams, other.Upstreams, Upstream.Equal) &&
		slices.EqualFunc(t.Certificates, other.Certificates, Certificate.Equal) &&
		equalPointers(t.DefaultCertificate, other.DefaultCertificate, Certificate.Equal) &&
		t.Forwarded.Equal(other.Forwarded) &&
		t.ProxyProtocol == other.ProxyProtocol && t.UnderscoresInHeaders == other.UnderscoresInHeaders
}

// Equal says whether two hosts have the same name and routes.
func (h Host) Equal(other Host) bool {
	return h.Name == other.Name && slices.EqualFunc(h.Routes, other.Routes, Route.Equal)
}

// Equal says whether two routes treat the same requests the same way.
func (r Route) Equal(other Route) bool {
	return r.Path == other.Path && r.Match == other.Match && r.Backend == other.Backend &&
		r.Policy.Equal(other.Policy) &&
		equalPointers(r.Canary, other.Canary, func(a, b Canary) bool { return a == b })
}

// Equal says whether two policies are the same.
func (p Policy) Equal(other Policy) bool {
	sameAffinity := equalPointers(p.Affinity, other.Affinity, func(a, b Affinity) bool { return a == b })
	p.Affinity, other.Affinity = nil, nil
	return sameAffinity && p == other
}

// Equal says whether two upstreams have the same name, protocol, TLS and endpoints, in the same order.
func (u Upstream) Equal(other Upstream) bool {
	return u.Name == other.Name && u.Protocol == other.Protocol && equalPointers(u.TLS, other.TLS, TLS.Equal) &&
		slices.Equal(u.Endpoints, other.Endpoints)
}

// Equal says whether endpoints are spoken to in the same way.
func (t TLS) Equal(other TLS) bool {
	return t.ServerName == other.ServerName && t.SendServerName == other.SendServerName &&
		t.Verify == other.Verify && t.VerifyDepth == other.VerifyDepth && bytes.Equal(t.RootsPEM, other.RootsPEM) &&
		equalPointers(t.Certificate, other.Certificate, Certificate.Equal)
}

// Equal says whether two certificates are the same text for the same hosts.
func (c Certificate) Equal(other Certificate) bool {
	return c.Origin == other.Origin && slices.Equal(c.Hosts, other.Hosts) &&
		bytes.Equal(c.ChainPEM, other.ChainPEM) && bytes.Equal(c.KeyPEM, other.KeyPEM)
}

func equalPointers[T any](a, b *T, equal func(T, T) bool) bool {
	if a == nil || b == nil {
		return a == b
	}
	return equal(*a, *b)
}
