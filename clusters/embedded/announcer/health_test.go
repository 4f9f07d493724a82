package announcer

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
)

func TestHTTPHealth(t *testing.T) {
	t.Parallel()
	var status atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(status.Load())) }))
	address := netip.MustParseAddrPort(strings.TrimPrefix(server.URL, "http://"))
	healthy := httpHealth(address.Addr())
	for _, tc := range []struct {
		status int32
		want   bool
	}{{200, true}, {503, false}, {404, false}} {
		status.Store(tc.status)
		if got := healthy(t.Context(), int32(address.Port())); got != tc.want {
			t.Errorf("with the status %d the node is healthy: %t", tc.status, got)
		}
	}
	status.Store(200)
	server.Close()
	if healthy(t.Context(), int32(address.Port())) {
		t.Error("a closed port is healthy")
	}
}
