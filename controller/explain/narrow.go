package explain

import (
	"net"
	"slices"
	"strings"

	"github.com/ingress-testbed/testbed/proxy/route"
)

// narrowed is a table without what can't matter to a request: the entries of other hosts. A proxy compiles its whole table, which for
// thousands of Ingresses takes longer than everything else in an explanation.
func narrowed(table *route.Table, request Request) *route.Table {
	names := requested(request)
	other := func(host string) bool {
		return host != "" && !strings.Contains(host, "*") && !slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, host) })
	}
	own := *table
	own.Streams = nil
	own.Hosts = slices.DeleteFunc(slices.Clone(table.Hosts), func(h route.Host) bool { return other(h.Name) })
	own.Passthroughs = slices.DeleteFunc(slices.Clone(table.Passthroughs), func(p route.Passthrough) bool { return other(p.Host) })
	own.ClientAuthorities = slices.DeleteFunc(slices.Clone(table.ClientAuthorities), func(c route.ClientAuthorities) bool { return other(c.Host) })
	own.ClientTLS = slices.DeleteFunc(slices.Clone(table.ClientTLS), func(c route.HostTLS) bool { return other(c.Host) })
	own.Certificates = slices.DeleteFunc(slices.Clone(table.Certificates), func(c route.Certificate) bool {
		return len(c.Hosts) > 0 && !slices.ContainsFunc(c.Hosts, func(host string) bool { return !other(host) })
	})
	used := map[string]bool{}
	addUpstreams(&route.Route{Policies: own.Unrouted}, used, used)
	for _, host := range own.Hosts {
		for i := range host.Routes {
			addUpstreams(&host.Routes[i], used, used)
		}
	}
	own.Upstreams = slices.DeleteFunc(slices.Clone(table.Upstreams), func(u route.Upstream) bool { return !used[u.Name] })
	return &own
}

// requested are the hosts that a request names: that of its URL, which is also the server name over TLS, and its Host fields.
func requested(request Request) []string {
	names := []string{request.URL.Hostname()}
	for _, field := range request.Header {
		if !strings.EqualFold(field.Name, "Host") {
			continue
		}
		host := field.Value
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		names = append(names, host)
	}
	for i, name := range names {
		names[i] = strings.TrimSuffix(name, ".")
	}
	return names
}
