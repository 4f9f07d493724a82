// Package certificates decides which host is served with which Secret.
package certificates

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/controller/translate/decision"
	"github.com/ingress-testbed/testbed/controller/translate/problem"
	"github.com/ingress-testbed/testbed/controller/translate/rules"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Assigner decides which host is served with which Secret.
type Assigner struct {
	// Decisions are those that led to the certificates.
	Decisions []decision.Decision

	mode     compatibility.Mode
	snapshot *snapshot.Snapshot
	problems *problem.List
	parsed   map[types.NamespacedName]Secret
	cache    Cache // of all parts
	// owners maps hosts to Secrets; the zero value stands for the default certificate.
	owners map[string]types.NamespacedName
}

// New makes an Assigner without hosts. cache is shared by all parts of a translation.
func New(s *snapshot.Snapshot, mode compatibility.Mode, problems *problem.List, cache Cache) *Assigner {
	return &Assigner{
		mode:     mode,
		snapshot: s,
		problems: problems,
		parsed:   map[types.NamespacedName]Secret{},
		cache:    cache,
		owners:   map[string]types.NamespacedName{},
	}
}

// Add assigns certificates to the hosts of an Ingress's rules: that of the first TLS entry that lists the host, or else of
// the first whose certificate names it. If several Ingresses have a host, the first one decides.
func (c *Assigner) Add(owner *rules.Ingress) {
	entries := owner.Object.Spec.TLS
	for _, entry := range entries {
		c.check(owner, entry)
	}
	for _, host := range owner.Hosts {
		if host == "" {
			continue
		}
		listed := func(entry networkingv1.IngressTLS) bool { return lists(entry, host) }
		i := slices.IndexFunc(entries, listed)
		if i < 0 {
			i = slices.IndexFunc(entries, func(e networkingv1.IngressTLS) bool { return c.names(owner, e, host) })
		}
		switch {
		case i >= 0:
			c.own(owner, host, c.fitting(owner, entries[i].SecretName, host))
		case len(entries) > 0 && c.mode.Reproduces(compatibility.TLSSectionForHosts):
			c.own(owner, host, "")
		}
	}
}

// AddListed assigns certificates to the hosts that the TLS entries of an Ingress for all hosts list, because it serves these
// too. Ingresses with rules for such a host take precedence, so Add must have been called for all Ingresses before.
func (c *Assigner) AddListed(owner *rules.Ingress) {
	if len(owner.Hosts) > 0 && !slices.Contains(owner.Hosts, "") {
		return
	}
	for _, entry := range owner.Object.Spec.TLS {
		for _, host := range entry.Hosts {
			if host != "" {
				host = strings.ToLower(host)
				c.own(owner, host, c.fitting(owner, entry.SecretName, host))
			}
		}
	}
}

// fitting returns the name of a Secret, or "" for the default certificate if that of the Secret is not valid for the host:
// clients reject both, and that of the Secret belongs to another site.
func (c *Assigner) fitting(owner *rules.Ingress, secretName, host string) string {
	if secretName == "" {
		return ""
	}
	leaf := c.secret(types.NamespacedName{Namespace: owner.Object.Namespace, Name: secretName}).Leaf
	if leaf == nil || isFor(leaf, host) {
		return secretName
	}
	c.problems.Add(problem.Problem{
		Severity: problem.Warning, Reason: problem.InvalidSecret, Object: problem.IngressObject(owner.Object),
		Message: fmt.Sprintf("the certificate of Secret %q is not valid for host %q, and is not served", secretName, host),
	})
	return ""
}

// isFor reports whether a certificate names a host, which may be a wildcard. One without alternative names is for the host
// of its common name, as in ingress-nginx.
func isFor(leaf *x509.Certificate, host string) bool {
	if len(leaf.DNSNames) == 0 && len(leaf.IPAddresses) == 0 {
		named := x509.Certificate{DNSNames: []string{leaf.Subject.CommonName}}
		return isFor(&named, host)
	}
	if strings.HasPrefix(host, "*.") {
		return slices.ContainsFunc(leaf.DNSNames, func(name string) bool { return strings.EqualFold(name, host) })
	}
	return leaf.VerifyHostname(host) == nil
}

// own gives a host its certificate, unless an Ingress before has.
func (c *Assigner) own(owner *rules.Ingress, host, secretName string) {
	secret := types.NamespacedName{Namespace: owner.Object.Namespace, Name: secretName}
	if secretName == "" || c.secret(secret).Fault != "" {
		secret = types.NamespacedName{}
	}
	current, taken := c.owners[host]
	switch {
	case !taken, current == types.NamespacedName{}:
		c.owners[host] = secret
		if secret.Name != "" {
			c.Decisions = append(c.Decisions, decision.CertificateAdded{Server: host, Secret: secret.String(), Ingress: owner.Key()})
		}
	case current != secret && secret.Name != "":
		c.problems.Add(problem.Problem{
			Severity: problem.Warning, Reason: problem.Conflict, Object: problem.IngressObject(owner.Object),
			Message: fmt.Sprintf("host %q is already served with the certificate of Secret %q", host, current),
		})
	}
}

// Terminates reports whether TLS entries list a host or its wildcard, also if their certificate can't be used and the default
// one is served.
func (c *Assigner) Terminates(host string) bool {
	if _, ok := c.owners[host]; ok {
		return true
	}
	_, parent, _ := strings.Cut(host, ".")
	_, ok := c.owners["*."+parent]
	return ok
}

// Alias serves a further name of a host with its certificate.
func (c *Assigner) Alias(host, Alias string) {
	if secret, ok := c.owners[host]; ok {
		if _, taken := c.owners[Alias]; !taken {
			c.owners[Alias] = secret
		}
	}
}

// check reports what is wrong with a TLS entry, whose hosts then get the default certificate.
func (c *Assigner) check(owner *rules.Ingress, entry networkingv1.IngressTLS) {
	if entry.SecretName == "" {
		return // no Secret: the default certificate
	}
	parsed := c.secret(types.NamespacedName{Namespace: owner.Object.Namespace, Name: entry.SecretName})
	if parsed.Fault != "" {
		c.problems.Add(problem.Problem{
			Severity: problem.Warning, Reason: parsed.Reason, Object: problem.IngressObject(owner.Object),
			Message: parsed.Fault + "; the default certificate is served",
		})
	}
}

// names reports whether the certificate of a TLS entry is valid for a host by its subject alternative names.
func (c *Assigner) names(owner *rules.Ingress, entry networkingv1.IngressTLS, host string) bool {
	if entry.SecretName == "" {
		return false
	}
	parsed := c.secret(types.NamespacedName{Namespace: owner.Object.Namespace, Name: entry.SecretName})
	return parsed.Leaf != nil && parsed.Leaf.VerifyHostname(host) == nil
}

func lists(entry networkingv1.IngressTLS, host string) bool {
	return slices.ContainsFunc(entry.Hosts, func(listed string) bool { return strings.EqualFold(listed, host) })
}

func (c *Assigner) secret(key types.NamespacedName) Secret {
	parsed, known := c.parsed[key]
	if !known {
		parsed = c.cache.parse(key, c.snapshot.Secrets[key])
		c.parsed[key] = parsed
	}
	return parsed
}

// Table lists each Secret that is served once, with its hosts. No host is in two of them.
func (c *Assigner) Table() []route.Certificate {
	hosts := map[types.NamespacedName][]string{}
	for host, secret := range c.owners {
		if secret.Name != "" {
			hosts[secret] = append(hosts[secret], host)
		}
	}
	var list []route.Certificate
	for secret, names := range hosts {
		slices.Sort(names)
		parsed := c.secret(secret)
		list = append(list, route.Certificate{
			Origin: secret.String(), Hosts: names, ChainPEM: parsed.Chain, KeyPEM: parsed.Key,
		})
	}
	slices.SortFunc(list, func(a, b route.Certificate) int { return strings.Compare(a.Origin, b.Origin) })
	return list
}

// Default is the certificate that the settings name; nil if they name none, or it cannot be used.
func (c *Assigner) Default() *route.Certificate {
	key := c.snapshot.Settings.DefaultCertificate
	if key.Name == "" {
		return nil
	}
	parsed := c.secret(key)
	if parsed.Fault != "" {
		c.problems.Add(problem.Problem{
			Severity: problem.Warning, Reason: parsed.Reason,
			Object:  problem.Object{APIVersion: "v1", Kind: "Secret", Namespace: key.Namespace, Name: key.Name},
			Message: parsed.Fault + "; a self-signed default certificate is served",
		})
		return nil
	}
	return &route.Certificate{Origin: key.String(), ChainPEM: parsed.Chain, KeyPEM: parsed.Key}
}
