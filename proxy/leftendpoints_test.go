package proxy_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// vanished are endpoints that never answer, as those of Pods whose machine is gone.
type vanished struct{ dialled chan string }

// newVanished returns the endpoints and a dialler, which sends on v.dialled each time that it begins to wait for one of them.
func newVanished(number int) (v *vanished, endpoints []route.Endpoint, config proxy.Config) {
	v = &vanished{dialled: make(chan string, 100)}
	for i := range number {
		endpoints = append(endpoints, route.Endpoint{Address: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)}), 80)})
	}
	// The limit of the proxy itself is out of reach.
	config.Timeouts.Connect = time.Hour
	config.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if !strings.HasPrefix(address, "192.0.2.") {
			return new(net.Dialer).DialContext(ctx, network, address)
		}
		v.dialled <- address
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return v, endpoints, config
}

// TestEndpointsThatLeaveAreNotWaitedFor removes endpoints from the table while a request waits for a connection to one of them.
func TestEndpointsThatLeaveAreNotWaitedFor(t *testing.T) {
	for _, c := range []struct {
		name, method, body string
		policies           []route.Policy
		alive              bool
		want               int
	}{
		{"GET", "GET", "", nil, true, 200},
		{"nothing of a POST was sent", "POST", "hello", nil, true, 200},
		{"a session", "GET", "", []route.Policy{policy.Affinity{Cookie: "c"}}, true, 200},
		{"no other endpoint", "GET", "", nil, false, 503},
		{"never to another endpoint", "GET", "", []route.Policy{policy.Retry{Never: true}}, true, 503},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			v, gone, config := newVanished(3)
			table := toAll(upstream("u", gone...))
			table.Hosts[0].Routes[0].Policies = c.policies
			s := serve(t, config, table)
			answered := s.start(t, c.method, c.body)
			first := <-v.dialled
			var left []route.Endpoint
			if c.alive {
				left = append(left, backend(t, named("alive")))
			}
			if problems, err := s.Update([]route.Upstream{upstream("u", left...)}); err != nil || len(problems) > 0 {
				t.Fatal(problems, err)
			}
			got := <-answered
			if got.err != nil || got.StatusCode != c.want {
				t.Fatalf("got %v, %v, want %d", got.Response, got.err, c.want)
			}
			if cookies := got.Cookies(); len(c.policies) > 0 && c.policies[0].Equal(policy.Affinity{Cookie: "c"}) && len(cookies) != 1 {
				t.Errorf("got the cookies %v", cookies)
			}
			if len(v.dialled) > 0 {
				t.Errorf("after %s, %s was tried, which had left, too", first, <-v.dialled)
			}
		})
	}
}

// TestEndpointThatStaysIsWaitedFor replaces the table by one that has the endpoint, too.
func TestEndpointThatStaysIsWaitedFor(t *testing.T) {
	v, gone, config := newVanished(1)
	config.Timeouts.Connect = 2 * time.Second
	s := serve(t, config, toAll(upstream("u", gone...)))
	answered := s.start(t, "GET", "")
	<-v.dialled
	s.Apply(toAll(upstream("u", gone[0], backend(t, named("other")))))
	if got := <-answered; got.err != nil || got.StatusCode != http.StatusGatewayTimeout {
		t.Errorf("got %v, %v", got.Response, got.err)
	}
}

// TestLeavingEndpointStillAnswers has an endpoint leave the table while it serves a request: it may be shutting down in order.
func TestLeavingEndpointStillAnswers(t *testing.T) {
	serving, leave := make(chan bool, 1), make(chan bool)
	slow := backend(t, func(w http.ResponseWriter, r *http.Request) {
		serving <- true
		<-leave
		named("leaving")(w, r)
	})
	s := serve(t, proxy.Config{}, toAll(upstream("u", slow)))
	answered := s.start(t, "GET", "")
	<-serving
	s.Apply(toAll(upstream("u", backend(t, named("other")))))
	close(leave)
	if got := <-answered; got.err != nil || got.body != "leaving" {
		t.Errorf("got %v %q, %v", got.Response, got.body, got.err)
	}
}

// answer is the end of a request.
type answer struct {
	*http.Response
	body string
	err  error
}

// start sends a request, and returns its answer when there is one.
func (s served) start(t *testing.T, method, body string) <-chan answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://h/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	client, answers := s.client(t), make(chan answer, 1)
	go func() {
		response, err := client.Do(request)
		a := answer{Response: response, err: err}
		if err == nil {
			text, err := io.ReadAll(response.Body)
			a.body, a.err = string(text), errors.Join(err, response.Body.Close())
		}
		answers <- a
	}()
	return answers
}
