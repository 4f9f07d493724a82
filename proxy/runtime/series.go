package runtime

import (
	"cmp"

	"github.com/ingress-testbed/testbed/proxy/metrics"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// users gathers what counts requests, and the labels that it counts them by.
type users struct {
	labels []metrics.Labels
	series []**metrics.Series
}

// addRoute adds a route and its backends. What the route answers before it selects a backend is counted with the first
// one.
func (u *users) addRoute(host string, r *Route) {
	var service route.ServiceRef
	if len(r.backends) > 0 {
		service = r.backends[0].Service
	}
	u.add(&r.Series, newLabels(host, r.path, r.source, service, false))
	for i := range r.backends {
		u.add(&r.backends[i].Series, newLabels(host, r.path, r.source, r.backends[i].Service, false))
	}
	if c := r.canary; c != nil {
		u.add(&c.backend.Series, newLabels(host, r.path, c.source, c.backend.Service, true))
	}
}

func newLabels(host, path string, source route.ObjectRef, service route.ServiceRef, canary bool) metrics.Labels {
	return metrics.Labels{
		Host: cmp.Or(host, "_"), Path: path, Namespace: cmp.Or(source.Namespace, service.Namespace),
		Ingress: source.Name, Service: service.Name, Canary: canary,
	}
}

func (u *users) add(series **metrics.Series, labels metrics.Labels) {
	u.series = append(u.series, series)
	u.labels = append(u.labels, labels)
}

// assign sets the series that are not set yet.
func (u *users) assign(collector *metrics.Collector) {
	for i, series := range collector.Use(u.labels) {
		if *u.series[i] == nil {
			*u.series[i] = series
		}
	}
}
