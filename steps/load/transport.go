package load

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

const (
	// requestTimeout bounds one request.
	requestTimeout = 10 * time.Second
	// dialTimeout is shorter, so that the error of a connection is that of the dialer, which says who is to blame.
	dialTimeout = 8 * time.Second
	// maxWorkers bounds the requests that are open at the same time.
	maxWorkers = 4096
)

// Dial opens connections from the machine outside the cluster.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// transport makes the requests of a load run. It counts those that are open.
type transport struct {
	inner *http.Transport
	http2 bool

	open, most atomic.Int64
}

func newTransport(plan Plan, dial Dial) *transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!plan.HTTP2)
	protocols.SetHTTP2(plan.HTTP2)
	protocols.SetUnencryptedHTTP2(plan.HTTP2)
	bounded := func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, dialTimeout)
		defer cancel()
		return dial(ctx, network, address)
	}
	return &transport{http2: plan.HTTP2, inner: &http.Transport{
		DialContext: bounded, Protocols: protocols, DisableKeepAlives: plan.NewConnections, DisableCompression: true,
		MaxIdleConnsPerHost: maxWorkers, TLSHandshakeTimeout: requestTimeout,
		// Steps verify certificates, so that a failure shows the certificate.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}, //nolint:gosec // see above
	}}
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(request *http.Request) (*http.Response, error) {
	open := t.open.Add(1)
	defer t.open.Add(-1)
	for most := t.most.Load(); open > most && !t.most.CompareAndSwap(most, open); most = t.most.Load() {
	}
	if !t.http2 {
		// net/http repeats a GET request without a body if its connection breaks before the response, which would hide a
		// request that was lost. One with a body that can't be read again is not repeated.
		request.Body = io.NopCloser(empty{})
	}
	response, err := t.inner.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	if t.http2 != (response.ProtoMajor == 2) {
		response.Body.Close()
		return nil, fmt.Errorf("answered over %s", response.Proto)
	}
	return response, nil
}

// empty is a body without content.
type empty struct{}

func (empty) Read([]byte) (int, error) { return 0, io.EOF }
