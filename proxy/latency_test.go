package proxy_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/policy/selecting"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// TestLatency has an endpoint that is slow, or fails fast, beside a good one. The bad one gets a single request: it is the
// first, or it follows the first because an endpoint that was never used counts as fast.
func TestLatency(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"slow":  func(http.ResponseWriter, *http.Request) { time.Sleep(time.Second) },
		"fails": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			inFakeTime(t, func(b bubble) {
				var bad, good atomic.Int32
				table := toAll(upstream("u",
					b.backend(func(w http.ResponseWriter, r *http.Request) { bad.Add(1); handler(w, r) }),
					b.backend(func(http.ResponseWriter, *http.Request) { good.Add(1) }),
				))
				table.Hosts[0].Routes[0].Policies = []route.Policy{selecting.Latency{}}
				s := b.serve(proxy.Config{}, table)
				const requests = 20
				for range requests {
					if status, _, _ := s.get(b, "http://h/"); status != http.StatusOK {
						b.Fatalf("got %d", status)
					}
				}
				if bad.Load() != 1 || good.Load() < requests-1 {
					b.Errorf("the bad endpoint has got %d requests, the good one %d", bad.Load(), good.Load())
				}
			})
		})
	}
}
