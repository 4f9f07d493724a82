package route

import (
	"bytes"
	"slices"
)

// Equal reports whether two tables do the same. It compares in order: tables made from the same objects by the same
// translation are in the same order.
func (t *Table) Equal(other *Table) bool {
	if t == nil || other == nil {
		return t == other
	}
	return slices.EqualFunc(t.Hosts, other.Hosts, Host.Equal) &&
		slices.EqualFunc(t.Unrouted, other.Unrouted, Policy.Equal) && t.RawPaths == other.RawPaths && t.HealthPath == other.HealthPath &&
		slices.EqualFunc(t.Upstreams, other.Upstreams, Upstream.Equal) &&
		slices.EqualFunc(t.Certificates, other.Certificates, Certificate.Equal) &&
		equalPointers(t.DefaultCertificate, other.DefaultCertificate, Certificate.Equal) &&
		slices.EqualFunc(t.ClientAuthorities, other.ClientAuthorities, ClientAuthorities.Equal) &&
		slices.EqualFunc(t.Streams, other.Streams, Stream.Equal) &&
		slices.EqualFunc(t.Passthroughs, other.Passthroughs, Passthrough.Equal) &&
		slices.EqualFunc(t.ClientTLS, other.ClientTLS, HostTLS.Equal) &&
		t.Forwarded.Equal(other.Forwarded) && t.AccessLog.Equal(other.AccessLog) &&
		t.ProxyProtocol == other.ProxyProtocol && t.UnderscoresInHeaders == other.UnderscoresInHeaders && t.NoRequestIDs == other.NoRequestIDs &&
		t.RequestHeaders == other.RequestHeaders && t.Quirks == other.Quirks
}

// Equal reports whether two hosts have the same name and routes.
func (h Host) Equal(other Host) bool {
	return h.Name == other.Name && (sameArray(h.Routes, other.Routes) || slices.EqualFunc(h.Routes, other.Routes, Route.Equal))
}

// sameArray reports whether two slices are the same part of one array, as in two tables that share what has not changed.
func sameArray[T any](a, b []T) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// Equal reports whether two routes treat the same requests the same way.
func (r Route) Equal(other Route) bool {
	return r.Match.Equal(other.Match) && r.Source == other.Source &&
		slices.EqualFunc(r.Policies, other.Policies, Policy.Equal) && equalActions(r.Action, other.Action)
}

func equalActions(a, b Action) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Equal(b)
}

// Equal reports whether two matches are written in the same way.
func (m Match) Equal(other Match) bool {
	return m.Path == other.Path && m.Method == other.Method &&
		slices.Equal(m.Headers, other.Headers) && slices.Equal(m.Query, other.Query)
}

// Equal reports whether the other action forwards to the same backends.
func (f Forward) Equal(other Action) bool {
	o, ok := other.(Forward)
	return ok && slices.EqualFunc(f.Backends, o.Backends, Backend.Equal) && equalPointers(f.Canary, o.Canary, Canary.Equal)
}

// Equal reports whether two backends are the same.
func (b Backend) Equal(other Backend) bool {
	sameDeny := equalPointers(b.Deny, other.Deny, func(x, y Deny) bool { return x == y })
	b.Deny, other.Deny = nil, nil
	return sameDeny && b == other
}

// Equal reports whether two canaries get the same requests.
func (c Canary) Equal(other Canary) bool {
	same := c.Backend.Equal(other.Backend)
	c.Backend, other.Backend = Backend{}, Backend{}
	return same && c == other
}

// Equal reports whether the other action redirects to the same location.
func (r Redirect) Equal(other Action) bool { return other == Action(r) }

// Equal reports whether the other action answers with the same status for the same reason.
func (d Deny) Equal(other Action) bool { return other == Action(d) }

// Equal reports whether two upstreams have the same name, protocol, TLS and endpoints, in the same order.
func (u Upstream) Equal(other Upstream) bool {
	return u.Name == other.Name && u.Protocol == other.Protocol && equalPointers(u.TLS, other.TLS, TLS.Equal) &&
		(sameArray(u.Endpoints, other.Endpoints) || slices.Equal(u.Endpoints, other.Endpoints))
}

// Equal reports whether two endpoints are connected to in the same way.
func (t TLS) Equal(other TLS) bool {
	return t.ServerName == other.ServerName && t.SendServerName == other.SendServerName &&
		t.Verify == other.Verify && t.VerifyDepth == other.VerifyDepth && bytes.Equal(t.RootsPEM, other.RootsPEM) &&
		t.MinVersion == other.MinVersion && t.MaxVersion == other.MaxVersion && slices.Equal(t.Ciphers, other.Ciphers) &&
		equalPointers(t.Certificate, other.Certificate, Certificate.Equal)
}

// Equal reports whether the same clients are shown the same authorities.
func (a ClientAuthorities) Equal(other ClientAuthorities) bool {
	return a.Host == other.Host && bytes.Equal(a.RootsPEM, other.RootsPEM)
}

// Equal reports whether two certificates are the same text for the same hosts.
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
