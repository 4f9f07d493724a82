package translate

import (
	"cmp"
	"slices"
	"strings"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/controller/translate/decision"
	"github.com/ingress-testbed/testbed/controller/translate/serviceport"
	"github.com/ingress-testbed/testbed/controller/translate/upstreams"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Update is what changes in a table when the endpoints of some Services do.
type Update struct {
	// Upstreams replace those of the same names.
	Upstreams []route.Upstream
	// Decisions are those that led to them.
	Decisions []decision.Decision
}

// byService are the upstreams that have sources, in the order of their Services.
type byService []*upstreams.Upstream

// sortByService makes it of any upstreams, whose order it changes.
func sortByService(list []*upstreams.Upstream) byService {
	list = slices.DeleteFunc(list, func(u *upstreams.Upstream) bool { return u.Source == nil })
	slices.SortFunc(list, func(a, b *upstreams.Upstream) int {
		return compareKeys(snapshot.Key(a.Source.Service), snapshot.Key(b.Source.Service))
	})
	return list
}

// of returns those whose endpoints are a Service's.
func (s byService) of(service types.NamespacedName) []*upstreams.Upstream {
	compare := func(u *upstreams.Upstream, key types.NamespacedName) int {
		return compareKeys(snapshot.Key(u.Source.Service), key)
	}
	from, _ := slices.BinarySearchFunc(s, service, compare)
	to := from
	for to < len(s) && snapshot.Key(s[to].Source.Service) == service {
		to++
	}
	return s[from:to]
}

func compareKeys(a, b types.NamespacedName) int {
	return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
}

// UpdateEndpoints repeats the part of Translate that depends on the EndpointSlices of some Services, if nothing else has
// changed since it returned the Result. If possible is false, everything has to be translated: a Service has got its first
// ready endpoint or lost its last one, which changes the Problems of Ingresses, or it is one of a TCP or UDP port or of TLS
// passthrough.
func (r *Result) UpdateEndpoints(slicesOf func(types.NamespacedName) []*discoveryv1.EndpointSlice,
	services []types.NamespacedName) (update Update, possible bool) {
	if r.Table == nil {
		return Update{}, false // nothing was translated
	}
	for _, key := range services {
		if r.streamed[key] {
			return Update{}, false
		}
		for _, reader := range r.readers.of(key) {
			source, upstream := reader.Source, reader.Upstream
			found := serviceport.Endpoints(source.Service, source.Port, slicesOf(key))
			if len(found) == 0 || len(upstream.Endpoints) == 0 {
				return Update{}, false
			}
			upstream.Endpoints = upstreams.Endpoints(found)
			update.Upstreams = append(update.Upstreams, upstream)
			update.Decisions = append(update.Decisions,
				decision.EndpointsSought{Service: key.String(), Port: source.Port},
				decision.EndpointsFound{Service: key.String(), Endpoints: decision.Found(found)})
		}
	}
	return update, true
}
