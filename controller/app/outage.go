package app

import (
	"net/http"
	"time"

	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

const (
	// outageRetry is the time between two attempts to reach an API server that is away.
	outageRetry = time.Second
	// outagePatience bounds the attempts for one request.
	outagePatience = 30 * time.Second
)

// outages makes the requests of informers wait for an API server that can't be reached. If they failed, informers would pause
// for ever longer, at last for up to a minute, and that long after the API server is back the controller would still serve what was
// there before (client-go's Reflector).
type outages struct {
	next  http.RoundTripper
	clock clock.Clock
}

// RoundTrip implements http.RoundTripper.
func (o outages) RoundTrip(request *http.Request) (*http.Response, error) {
	since := o.clock.Now()
	for attempt := 1; ; attempt++ {
		response, err := o.next.RoundTrip(request)
		if err == nil || !isOfInformer(request) || request.Context().Err() != nil || o.clock.Since(since) >= outagePatience {
			return response, err
		}
		if attempt == 1 {
			klog.InfoS("Waiting for the API server", "path", request.URL.Path, "err", err)
		}
		select {
		case <-request.Context().Done():
			return nil, err
		case <-o.clock.After(outageRetry):
		}
	}
}

// isOfInformer reports whether a request lists or watches objects. Others have time limits of their own, as those of the leader
// election, or are repeated by their callers.
func isOfInformer(request *http.Request) bool {
	query := request.URL.Query()
	return request.Method == http.MethodGet && (query.Has("watch") || query.Has("resourceVersion"))
}
