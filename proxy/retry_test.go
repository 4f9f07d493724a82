package proxy_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// TestRetries has an endpoint that fails, and one that answers with 200.
func TestRetries(t *testing.T) {
	status := func(code int) func(*testing.T) route.Endpoint {
		return func(t *testing.T) route.Endpoint {
			return backend(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
		}
	}
	hangs := func(t *testing.T) route.Endpoint {
		return scripted(t, func(_ net.Conn, in *bufio.Reader) { io.Copy(io.Discard, in) })
	}
	refuses := func(t *testing.T) route.Endpoint { return refusing(t) }
	for _, c := range []struct {
		name    string
		failing func(*testing.T) route.Endpoint
		method  string
		body    string
		retry   policy.Retry
		want    int
		retried bool
	}{
		{"refused", refuses, "GET", "", policy.Retry{}, 200, true},
		{"refused, never", refuses, "GET", "", policy.Retry{Never: true}, 502, false},
		{"refused, one attempt", refuses, "GET", "", policy.Retry{Attempts: 1}, 502, false},
		{"refused, with a body", refuses, "POST", "x", policy.Retry{}, 200, true},
		{"late", hangs, "GET", "", policy.Retry{}, 504, false},
		{"late, time-outs", hangs, "GET", "", policy.Retry{Timeouts: true}, 200, true},
		{"late, time-outs, never", hangs, "GET", "", policy.Retry{Timeouts: true, Never: true}, 504, false},
		{"late, time-outs, in time no more", hangs, "GET", "", policy.Retry{Timeouts: true, Within: time.Millisecond}, 504, false},
		{"late, time-outs, POST", hangs, "POST", "", policy.Retry{Timeouts: true}, 504, false},
		{"late, time-outs, POST, non-idempotent", hangs, "POST", "x", policy.Retry{Timeouts: true, NonIdempotent: true}, 200, true},
		{"500", status(500), "GET", "", policy.Retry{}, 500, false},
		{"500, on 500", status(500), "GET", "", policy.Retry{Statuses: []int{500, 503}}, 200, true},
		{"502, on 500", status(502), "GET", "", policy.Retry{Statuses: []int{500, 503}}, 502, false},
		{"500, on 500, POST", status(500), "POST", "", policy.Retry{Statuses: []int{500}}, 500, false},
		{"500, on 500, POST with a body", status(500), "POST", "x", policy.Retry{Statuses: []int{500}, NonIdempotent: true}, 500, false},
		{"500, on 500, POST, non-idempotent", status(500), "POST", "", policy.Retry{Statuses: []int{500}, NonIdempotent: true}, 200, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var served atomic.Int32
			u := upstream("u", c.failing(t), backend(t, func(http.ResponseWriter, *http.Request) { served.Add(1) }))
			table := toAll(u)
			table.Hosts[0].Routes[0].Policies = []route.Policy{policy.Timeouts{Response: 50 * time.Millisecond}, c.retry}
			s := serve(t, proxy.Config{}, table)
			request, err := http.NewRequestWithContext(t.Context(), c.method, "http://h/", strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			reply, err := s.client(t).Do(request)
			if err != nil {
				t.Fatal(err)
			}
			reply.Body.Close()
			if reply.StatusCode != c.want || served.Load() == 1 != c.retried {
				t.Errorf("got %d, want %d; the other endpoint has served %d requests", reply.StatusCode, c.want, served.Load())
			}
		})
	}
}

// TestRetriesEndWithTheLastReply has only endpoints with a status that is to be retried: the client gets the last one's.
func TestRetriesEndWithTheLastReply(t *testing.T) {
	var served atomic.Int32
	broken := func(w http.ResponseWriter, _ *http.Request) {
		served.Add(1)
		http.Error(w, "sorry", http.StatusServiceUnavailable)
	}
	table := toAll(upstream("u", backend(t, broken), backend(t, broken)))
	table.Hosts[0].Routes[0].Policies = []route.Policy{policy.Retry{Statuses: []int{503}, Attempts: 9}}
	s := serve(t, proxy.Config{}, table)
	if status, body, _ := s.get(t, "http://h/"); status != 503 || body != "sorry\n" || served.Load() != 2 {
		t.Errorf("got %d, %q after %d attempts", status, body, served.Load())
	}
}
