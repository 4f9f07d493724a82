package translate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ingress-testbed/testbed/proxy/route"
)

// clientTLS restricts the TLS of clients: by the settings, and for the hosts of Ingresses that have ssl-ciphers. Of several
// for one host the first decides.
func (r *routes) clientTLS(all []*ingress, global route.ClientTLS) []route.HostTLS {
	var list []route.HostTLS
	if !global.Equal(route.ClientTLS{}) {
		list = append(list, route.HostTLS{TLS: global})
	}
	first := map[string]*ingress{}
	for _, owner := range all {
		if owner.config.ClientTLS.Equal(global) || owner.config.Canary != nil {
			continue
		}
		for _, host := range append(slices.Clip(owner.hosts), owner.config.Aliases...) {
			winner, taken := first[host]
			switch {
			case host == "": // all others have the settings'
			case !taken:
				first[host] = owner
				list = append(list, route.HostTLS{Host: host, TLS: owner.config.ClientTLS})
			case !winner.config.ClientTLS.Equal(owner.config.ClientTLS):
				r.problems.add(Problem{
					Severity: Warning, Reason: Conflict, Object: IngressObject(owner.object), Other: IngressObject(winner.object),
					Message: fmt.Sprintf("ssl-ciphers: those of Ingress %q are offered for the host %q", winner.key(), host),
				})
			}
		}
	}
	slices.SortFunc(list, func(a, b route.HostTLS) int { return strings.Compare(a.Host, b.Host) })
	return list
}
