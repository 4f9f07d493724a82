package translate

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/controller/translate/decision"
	"github.com/ingress-testbed/testbed/controller/translate/problem"
	"github.com/ingress-testbed/testbed/controller/translate/rules"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// certificates decides which host is served with which Secret.
type certificates struct {
	mode      compatibility.Mode
	snapshot  *snapshot.Snapshot
	problems  *problem.List
	decisions []decision.Decision
	parsed    map[types.NamespacedName]parsedSecret
	cache     secretCache // of all parts
	// owners maps hosts to Secrets; the zero value stands for the default certificate.
	owners map[string]types.NamespacedName
}

// parsedSecret is a certificate and its key, or what is wrong with it.
type parsedSecret struct {
	leaf       *x509.Certificate
	chain, key []byte
	reason     problem.Reason
	fault      string
}

func newCertificates(s *snapshot.Snapshot, mode compatibility.Mode, problems *problem.List, cache secretCache) *certificates {
	return &certificates{
		mode:     mode,
		snapshot: s,
		problems: problems,
		parsed:   map[types.NamespacedName]parsedSecret{},
		cache:    cache,
		owners:   map[string]types.NamespacedName{},
	}
}

// add assigns certificates to the hosts of an Ingress's rules: that of the first TLS entry that lists the host, or else of
// the first whose certificate names it. If several Ingresses have a host, the first one decides.
func (c *certificates) add(owner *rules.Ingress) {
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

// addListed assigns certificates to the hosts that the TLS entries of an Ingress for all hosts list, because it serves these
// too. Ingresses with rules for such a host take precedence, so add must have been called for all Ingresses before.
func (c *certificates) addListed(owner *rules.Ingress) {
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
func (c *certificates) fitting(owner *rules.Ingress, secretName, host string) string {
	if secretName == "" {
		return ""
	}
	leaf := c.secret(types.NamespacedName{Namespace: owner.Object.Namespace, Name: secretName}).leaf
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
func (c *certificates) own(owner *rules.Ingress, host, secretName string) {
	secret := types.NamespacedName{Namespace: owner.Object.Namespace, Name: secretName}
	if secretName == "" || c.secret(secret).fault != "" {
		secret = types.NamespacedName{}
	}
	current, taken := c.owners[host]
	switch {
	case !taken, current == types.NamespacedName{}:
		c.owners[host] = secret
		if secret.Name != "" {
			c.decisions = append(c.decisions, decision.CertificateAdded{Server: host, Secret: secret.String(), Ingress: owner.Key()})
		}
	case current != secret && secret.Name != "":
		c.problems.Add(problem.Problem{
			Severity: problem.Warning, Reason: problem.Conflict, Object: problem.IngressObject(owner.Object),
			Message: fmt.Sprintf("host %q is already served with the certificate of Secret %q", host, current),
		})
	}
}

// terminates reports whether TLS entries list a host or its wildcard, also if their certificate can't be used and the default
// one is served.
func (c *certificates) terminates(host string) bool {
	if _, ok := c.owners[host]; ok {
		return true
	}
	_, parent, _ := strings.Cut(host, ".")
	_, ok := c.owners["*."+parent]
	return ok
}

// alias serves a further name of a host with its certificate.
func (c *certificates) alias(host, alias string) {
	if secret, ok := c.owners[host]; ok {
		if _, taken := c.owners[alias]; !taken {
			c.owners[alias] = secret
		}
	}
}

// check reports what is wrong with a TLS entry, whose hosts then get the default certificate.
func (c *certificates) check(owner *rules.Ingress, entry networkingv1.IngressTLS) {
	if entry.SecretName == "" {
		return // no Secret: the default certificate
	}
	parsed := c.secret(types.NamespacedName{Namespace: owner.Object.Namespace, Name: entry.SecretName})
	if parsed.fault != "" {
		c.problems.Add(problem.Problem{
			Severity: problem.Warning, Reason: parsed.reason, Object: problem.IngressObject(owner.Object),
			Message: parsed.fault + "; the default certificate is served",
		})
	}
}

// names reports whether the certificate of a TLS entry is valid for a host by its subject alternative names.
func (c *certificates) names(owner *rules.Ingress, entry networkingv1.IngressTLS, host string) bool {
	if entry.SecretName == "" {
		return false
	}
	parsed := c.secret(types.NamespacedName{Namespace: owner.Object.Namespace, Name: entry.SecretName})
	return parsed.leaf != nil && parsed.leaf.VerifyHostname(host) == nil
}

func lists(entry networkingv1.IngressTLS, host string) bool {
	return slices.ContainsFunc(entry.Hosts, func(listed string) bool { return strings.EqualFold(listed, host) })
}

func (c *certificates) secret(key types.NamespacedName) parsedSecret {
	parsed, known := c.parsed[key]
	if !known {
		parsed = c.cache.parse(key, c.snapshot.Secrets[key])
		c.parsed[key] = parsed
	}
	return parsed
}

// secretCache has certificates that were parsed already, by the Secret's object, which is immutable.
type secretCache map[*corev1.Secret]parsedSecret

func (c secretCache) parse(key types.NamespacedName, secret *corev1.Secret) parsedSecret {
	parsed, known := c[secret]
	if !known {
		parsed = parseSecret(key, secret)
		if secret != nil {
			c[secret] = parsed
		}
	}
	return parsed
}

func parseSecret(key types.NamespacedName, secret *corev1.Secret) parsedSecret {
	if secret == nil {
		return parsedSecret{reason: problem.SecretNotFound, fault: fmt.Sprintf("Secret %q does not exist", key)}
	}
	chain, keyPEM := secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey]
	if len(chain) == 0 || len(keyPEM) == 0 {
		return parsedSecret{reason: problem.InvalidSecret, fault: fmt.Sprintf("Secret %q has no %s and %s",
			key, corev1.TLSCertKey, corev1.TLSPrivateKeyKey)}
	}
	pair, err := tls.X509KeyPair(chain, keyPEM)
	if err != nil {
		return parsedSecret{reason: problem.InvalidSecret, fault: fmt.Sprintf("Secret %q holds no usable certificate: %v",
			key, strings.TrimPrefix(err.Error(), "tls: "))}
	}
	return parsedSecret{leaf: pair.Leaf, chain: chain, key: keyPEM}
}

// table lists each Secret that is served once, with its hosts. No host is in two of them.
func (c *certificates) table() []route.Certificate {
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
			Origin: secret.String(), Hosts: names, ChainPEM: parsed.chain, KeyPEM: parsed.key,
		})
	}
	slices.SortFunc(list, func(a, b route.Certificate) int { return strings.Compare(a.Origin, b.Origin) })
	return list
}

// byDefault is the certificate that the settings name; nil if they name none, or it cannot be used.
func (c *certificates) byDefault() *route.Certificate {
	key := c.snapshot.Settings.DefaultCertificate
	if key.Name == "" {
		return nil
	}
	parsed := c.secret(key)
	if parsed.fault != "" {
		c.problems.Add(problem.Problem{
			Severity: problem.Warning, Reason: parsed.reason,
			Object:  problem.Object{APIVersion: "v1", Kind: "Secret", Namespace: key.Namespace, Name: key.Name},
			Message: parsed.fault + "; a self-signed default certificate is served",
		})
		return nil
	}
	return &route.Certificate{Origin: key.String(), ChainPEM: parsed.chain, KeyPEM: parsed.key}
}

// clientTLS lists the restrictions of clients' TLS of hosts whose Ingress has ssl-ciphers, if they differ from those of the
// ConfigMap. If several Ingresses of a host have it, the first one decides.
func (r *routes) clientTLS(all []*rules.Ingress, global route.ClientTLS) []route.HostTLS {
	var list []route.HostTLS
	first := map[string]*rules.Ingress{}
	for _, owner := range all {
		if owner.Config.ClientTLS.Equal(global) || owner.Config.Canary != nil {
			continue
		}
		for _, host := range append(slices.Clip(owner.Hosts), owner.Config.Aliases...) {
			winner, taken := first[host]
			switch {
			case host == "": // all others have the settings'
			case !taken:
				first[host] = owner
				list = append(list, route.HostTLS{Host: host, TLS: owner.Config.ClientTLS})
			case !winner.Config.ClientTLS.Equal(owner.Config.ClientTLS):
				r.problems.Add(problem.Problem{
					Severity: problem.Warning, Reason: problem.Conflict, Object: problem.IngressObject(owner.Object), Other: problem.IngressObject(winner.Object),
					Message: fmt.Sprintf("ssl-ciphers: those of Ingress %q are offered for the host %q", winner.Key(), host),
				})
			}
		}
	}
	return list
}
