package announcer

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"time"
)

const (
	healthInterval = 500 * time.Millisecond
	healthTimeout  = time.Second
	// healthBody bounds what is read of an answer in bytes, so that the connection can be used again.
	healthBody = 64 << 10
)

// healthCheck reports whether the node can serve what the port is for.
type healthCheck func(ctx context.Context, port int32) bool

// httpHealth returns a check that makes requests to a node's own address.
func httpHealth(node netip.Addr) healthCheck {
	client := &http.Client{Timeout: healthTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute}}
	return func(ctx context.Context, port int32) bool {
		url := fmt.Sprintf("http://%s/healthz", netip.AddrPortFrom(node, uint16(port)))
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return false
		}
		response, err := client.Do(request)
		if err != nil {
			return false
		}
		defer response.Body.Close()
		_, _ = io.CopyN(io.Discard, response.Body, healthBody) // the status is all that matters
		return response.StatusCode == http.StatusOK
	}
}
