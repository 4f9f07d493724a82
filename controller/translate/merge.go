package translate

import (
	"cmp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/controller/translate/problem"
	"github.com/ingress-testbed/testbed/controller/translate/upstreams"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// merge makes a Result of the parts of a Snapshot, with the decisions of some of them. It is not possible where the same name
// stands for different upstreams in two parts: Translate, which sees all of them, gives one another name.
func merge(c *common, s *snapshot.Snapshot, parts, fresh []*part) (result Result, possible bool) {
	merged, possible := mergeUpstreams(parts)
	if !possible {
		return Result{}, false
	}
	// As in ingress-nginx, a body that is too large is refused whatever the path.
	unrouted := slices.Clone(c.everywhere)
	unrouted.addIf(c.global.MaxBodyBytes > 0, policy.BodySize{Bytes: c.global.MaxBodyBytes})
	table := &route.Table{
		Unrouted:             unrouted,
		HealthPath:           healthPath,
		RawPaths:             c.global.Mode.Reproduces(compatibility.RawPaths),
		Certificates:         mergeCertificates(parts),
		Forwarded:            c.global.Clients.Forwarded,
		ProxyProtocol:        c.global.Clients.ProxyProtocol,
		AccessLog:            c.global.AccessLog,
		NoRequestIDs:         c.global.Clients.NoRequestIDs,
		UnderscoresInHeaders: c.global.Clients.UnderscoresInHeaders,
		RequestHeaders:       c.global.RequestHeaders,
		Quirks:               quirks(c.global.Mode),
	}
	table.Upstreams = make([]route.Upstream, 0, len(merged))
	for _, upstream := range merged {
		table.Upstreams = append(table.Upstreams, upstream.Upstream)
	}
	if !c.global.ClientTLS.Equal(route.ClientTLS{}) {
		table.ClientTLS = append(table.ClientTLS, route.HostTLS{TLS: c.global.ClientTLS})
	}
	result = Result{Table: table, Served: map[types.NamespacedName]bool{}, streamed: map[types.NamespacedName]bool{}}
	for _, p := range parts {
		table.Hosts = append(table.Hosts, p.hosts...)
		table.ClientAuthorities = append(table.ClientAuthorities, p.authorities...)
		table.ClientTLS = append(table.ClientTLS, p.clientTLS...)
		table.Passthroughs = append(table.Passthroughs, p.passthroughs...)
		table.Streams = append(table.Streams, p.streams...)
		table.DefaultCertificate = cmp.Or(table.DefaultCertificate, p.defaultCertificate)
		for _, key := range p.served {
			result.Served[key] = true
		}
		for _, key := range p.streamed {
			result.streamed[key] = true
		}
	}
	for _, p := range fresh {
		result.Decisions = append(result.Decisions, p.decisions...)
	}
	// No host is in two parts.
	slices.SortFunc(table.Hosts, func(a, b route.Host) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(table.ClientAuthorities, func(a, b route.ClientAuthorities) int { return strings.Compare(a.Host, b.Host) })
	slices.SortFunc(table.ClientTLS, func(a, b route.HostTLS) int { return strings.Compare(a.Host, b.Host) })
	slices.SortFunc(table.Passthroughs, func(a, b route.Passthrough) int { return strings.Compare(a.Host, b.Host) })
	result.Problems = problemsOf(c, s, parts)
	result.readers = sortByService(merged)
	return result, true
}

// mergeUpstreams lists the upstreams of all parts by name, each once.
func mergeUpstreams(parts []*part) (merged []*upstreams.Upstream, possible bool) {
	for _, p := range parts {
		for i := range p.upstreams {
			merged = append(merged, &p.upstreams[i])
		}
	}
	slices.SortFunc(merged, func(a, b *upstreams.Upstream) int { return strings.Compare(a.Name, b.Name) })
	possible = true
	merged = slices.CompactFunc(merged, func(a, b *upstreams.Upstream) bool {
		possible = possible && (a.Name != b.Name || a.Key == b.Key)
		return a.Name == b.Name
	})
	return merged, possible
}

// mergeCertificates lists the certificates of all parts, each Secret once with all its hosts.
func mergeCertificates(parts []*part) []route.Certificate {
	var merged []route.Certificate
	for _, p := range parts {
		merged = append(merged, p.certificates...)
	}
	slices.SortStableFunc(merged, func(a, b route.Certificate) int { return strings.Compare(a.Origin, b.Origin) })
	list := merged[:0]
	for from, to := 0, 0; from < len(merged); from = to {
		certificate := merged[from]
		for to = from + 1; to < len(merged) && merged[to].Origin == certificate.Origin; to++ {
			certificate.Hosts = append(slices.Clip(certificate.Hosts), merged[to].Hosts...)
		}
		if to > from+1 {
			slices.Sort(certificate.Hosts)
		}
		list = append(list, certificate)
	}
	return list
}

// problemsOf lists the problems of a Snapshot's settings and parts, each once, in the order of the Ingresses.
func problemsOf(c *common, s *snapshot.Snapshot, parts []*part) []problem.Problem {
	all := &problem.List{}
	for _, found := range c.problems {
		all.Add(found)
	}
	for _, p := range parts {
		for _, found := range p.problems {
			all.Add(found)
		}
	}
	return all.InOrder(s.Ingresses)
}
