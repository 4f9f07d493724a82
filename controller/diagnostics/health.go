package diagnostics

import (
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/ingress-testbed/testbed/controller"
)

// Readiness is whether the controller should get requests: from the first table it serves until Stop. It
// observes the controller's loop. Make one with NewReadiness.
type Readiness struct {
	served   chan struct{} // closed when the first table is served
	first    atomic.Bool
	stopping atomic.Bool
}

// NewReadiness makes a Readiness.
func NewReadiness() *Readiness {
	return &Readiness{served: make(chan struct{})}
}

// Observe implements controller.Observer.
func (r *Readiness) Observe(controller.Outcome) {
	if r.first.CompareAndSwap(false, true) {
		close(r.served)
	}
}

// Served is closed when the first table is served.
func (r *Readiness) Served() <-chan struct{} { return r.served }

// Stop makes the controller not ready, permanently.
func (r *Readiness) Stop() { r.stopping.Store(true) }

// Check is nil if the controller is ready.
func (r *Readiness) Check() error {
	switch {
	case r.stopping.Load():
		return errors.New("the controller is stopping")
	case !r.first.Load():
		return errors.New("the controller has not read the cluster's Ingresses yet")
	}
	return nil
}

// Handler serves /healthz (the process answers), /readyz and /metrics.
func Handler(readiness *Readiness, gatherer prometheus.Gatherer) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := readiness.Check(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(gatherer, promhttp.HandlerOpts{}))
	return mux
}
