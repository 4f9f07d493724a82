package translate

import (
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

// endpointReader is an upstream with such a source.
type endpointReader struct {
	upstreams.Source
	upstream route.Upstream
}

// readersByService lists the upstreams that have sources by the Service.
func readersByService(list []*upstreams.Upstream) map[types.NamespacedName][]endpointReader {
	readers := make(map[types.NamespacedName][]endpointReader, len(list))
	for _, upstream := range list {
		if source := upstream.Source; source != nil {
			key := snapshot.Key(source.Service)
			readers[key] = append(readers[key], endpointReader{*source, upstream.Upstream})
		}
	}
	return readers
}

// UpdateEndpoints repeats the part of Translate that depends on the EndpointSlices of some Services, if nothing else has
// changed since it returned the Result. If possible is false, everything has to be translated: a Service has got its first
// ready endpoint or lost its last one, which changes the Problems of Ingresses, or it is one of a TCP or UDP port or of TLS
// passthrough.
func (r *Result) UpdateEndpoints(slicesOf func(types.NamespacedName) []*discoveryv1.EndpointSlice,
	services []types.NamespacedName) (update Update, possible bool) {
	if r.readers == nil {
		return Update{}, false // nothing was translated
	}
	readers := r.readers()
	for _, key := range services {
		if r.streamed[key] {
			return Update{}, false
		}
		for _, reader := range readers[key] {
			found := serviceport.Endpoints(reader.Service, reader.Port, slicesOf(key))
			upstream := reader.upstream
			if len(found) == 0 || len(upstream.Endpoints) == 0 {
				return Update{}, false
			}
			upstream.Endpoints = upstreams.Endpoints(found)
			update.Upstreams = append(update.Upstreams, upstream)
			update.Decisions = append(update.Decisions,
				decision.EndpointsSought{Service: key.String(), Port: reader.Port},
				decision.EndpointsFound{Service: key.String(), Endpoints: decision.Found(found)})
		}
	}
	return update, true
}
