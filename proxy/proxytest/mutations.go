package proxytest

import (
	"bytes"
	"slices"
	"strings"

	"github.com/ingress-testbed/testbed/proxy/route"
)

// Mutations returns all faults. Each breaks one subject and leaves the others alone.
func Mutations() []Mutation {
	return []Mutation{
		{Name: "prefixes are compared as strings", Breaks: Routing, inward: prefixByString},
		{Name: "a wildcard host is every host", Breaks: Routing, table: wildcardIsEveryHost},
		{Name: "the round robin gives the first endpoint two turns", Breaks: Distribution, table: repeatedTurn},
		{Name: "X-Forwarded-For is missing", Breaks: SourceAddress, outward: withoutForwardedFor},
		{Name: "the canary's weight is inverted", Breaks: Canary, table: invertedCanary},
		{Name: "another certificate is served", Breaks: TLS, table: wrongCertificate},
	}
}

func repeatedTurn(table *route.Table) {
	for i, upstream := range table.Upstreams {
		if len(upstream.Endpoints) > 1 {
			table.Upstreams[i].Endpoints = append(upstream.Endpoints[:1:1], upstream.Endpoints...)
		}
	}
}

func invertedCanary(table *route.Table) {
	for h := range table.Hosts {
		for r := range table.Hosts[h].Routes {
			forward, ok := table.Hosts[h].Routes[r].Action.(route.Forward)
			if !ok || forward.Canary == nil {
				continue
			}
			inverted := *forward.Canary
			inverted.Weight = inverted.Total() - inverted.Weight
			forward.Canary = &inverted
			table.Hosts[h].Routes[r].Action = forward
		}
	}
}

func wildcardIsEveryHost(table *route.Table) {
	named := slices.ContainsFunc(table.Hosts, func(h route.Host) bool { return h.Name == "" })
	for _, host := range table.Hosts {
		if strings.HasPrefix(host.Name, "*.") && !named {
			table.Hosts = append(table.Hosts, route.Host{Name: "", Routes: host.Routes})
			return
		}
	}
}

// wrongCertificate leaves clients with the default certificate.
func wrongCertificate(table *route.Table) { table.Certificates = nil }

func withoutForwardedFor(head []byte) []byte {
	lines := bytes.SplitAfter(head, []byte("\r\n"))
	return bytes.Join(slices.DeleteFunc(lines, func(line []byte) bool {
		return len(line) > 16 && strings.EqualFold(string(line[:16]), "x-forwarded-for:")
	}), nil)
}

// prefixByString puts a slash where a path goes on after some prefix of the table: "/guestbook" becomes
// "/guest/book", which then matches the prefix "/guest", as if prefixes were compared as strings.
func prefixByString(table *route.Table, head []byte) []byte {
	method, rest, _ := bytes.Cut(head, []byte(" "))
	for _, host := range table.Hosts {
		for _, r := range host.Routes {
			path := r.Match.Path
			after, has := bytes.CutPrefix(rest, []byte(path.Value))
			if path.Kind != route.Prefix || path.Value == "/" || !has || len(after) == 0 || bytes.IndexByte([]byte("/? "), after[0]) >= 0 {
				continue
			}
			return slices.Concat(method, []byte(" "+path.Value+"/"), after)
		}
	}
	return head
}

// clone copies as deep as the mutations change.
func clone(table *route.Table) *route.Table {
	copied := *table
	copied.Hosts = slices.Clone(table.Hosts)
	for h := range copied.Hosts {
		copied.Hosts[h].Routes = slices.Clone(copied.Hosts[h].Routes)
	}
	copied.Upstreams = slices.Clone(table.Upstreams)
	return &copied
}
