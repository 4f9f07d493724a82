package proxy_test

import (
	"net/http"
	"testing"

	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// TestRequestWithoutHost is served by the rules for all hosts. Endpoints get their own address as Host: an empty one is
// refused by some of them, nginx among them.
func TestRequestWithoutHost(t *testing.T) {
	for _, protocol := range []route.Protocol{route.HTTP1, route.H2C} {
		var host string
		var forwarded []string
		handler := func(_ http.ResponseWriter, r *http.Request) {
			host, forwarded = r.Host, r.Header["X-Forwarded-Host"]
		}
		table := h2c(t, handler)
		if protocol == route.HTTP1 {
			table = toAll(upstream("u", backend(t, handler)))
		}
		c := serve(t, proxy.Config{}, table).dial(t)
		c.send("GET / HTTP/1.0\r\n\r\n")
		reply, _ := c.reply("GET")
		want := table.Upstreams[0].Endpoints[0].Address.String()
		if reply.StatusCode != http.StatusOK || host != want || forwarded != nil {
			t.Errorf("%s: got %d, the endpoint got the host %q and X-Forwarded-Host %q, want %q", protocol, reply.StatusCode, host, forwarded, want)
		}
	}
}
