//go:build linux

package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

const (
	handshakeTimeout = 15 * time.Second
	idleTimeout      = 30 * time.Second
	// maxDocument bounds what isn't a blob: manifests, tokens, errors.
	maxDocument = 8 << 20
)

// newTransport makes the transport that all pulls share. Proxies are those of this process's environment.
func newTransport(config Config) *http.Transport {
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: config.Dial, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: handshakeTimeout, MaxIdleConns: config.Limits.Pulls, IdleConnTimeout: idleTimeout,
		MaxResponseHeaderBytes: 1 << 20,
	}
}

// boundedTransport limits the responses of one pull in size and time, and counts the bytes of blobs.
type boundedTransport struct {
	next     http.RoundTripper
	stall    time.Duration
	progress *counter
}

// RoundTrip adds the limits. The context of the request ends with the response's body.
func (t *boundedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(r.Context())
	watchdog := &watchdog{limit: t.stall, cancel: cancel}
	var response *http.Response
	err := watchdog.guard(func() (err error) {
		response, err = t.next.RoundTrip(r.WithContext(ctx)) //nolint:bodyclose // the caller closes it
		return err
	})
	if err != nil {
		cancel()
		return nil, watchdog.explain(err, r.URL.Host)
	}
	b := &body{source: response.Body, host: r.URL.Host, watchdog: watchdog, left: maxDocument}
	if isBlob(r) && response.StatusCode == http.StatusOK {
		b.left, b.counted = -1, &t.progress.done
	}
	response.Body = b
	return response, nil
}

// watchdog cancels a request if the server sends nothing for too long.
type watchdog struct {
	limit  time.Duration
	cancel context.CancelFunc
	fired  atomic.Bool
}

// guard waits for the server in do.
func (w *watchdog) guard(do func() error) error {
	timer := time.AfterFunc(w.limit, func() {
		w.fired.Store(true)
		w.cancel()
	})
	defer timer.Stop()
	return do()
}

// explain replaces the error of a request that the watchdog has cancelled.
func (w *watchdog) explain(err error, host string) error {
	if err != nil && !errors.Is(err, io.EOF) && w.fired.Load() {
		return fmt.Errorf("%s sent nothing for %v", host, w.limit)
	}
	return err
}

// isBlob reports whether a request is for a blob, perhaps at another address that the registry redirects to.
func isBlob(r *http.Request) bool {
	for r.Response != nil && r.Response.Request != nil {
		r = r.Response.Request
	}
	return strings.Contains(r.URL.Path, "/blobs/")
}

// body is a response's body with limits.
type body struct {
	source   io.ReadCloser
	host     string
	watchdog *watchdog
	left     int64         // bytes that may follow; negative if another part limits them
	counted  *atomic.Int64 // nil if its bytes aren't counted
}

func (b *body) Read(p []byte) (n int, err error) {
	if b.left == 0 {
		return 0, fmt.Errorf("%s sent more than %d bytes where a short document was expected", b.host, maxDocument)
	}
	if b.left > 0 && int64(len(p)) > b.left {
		p = p[:b.left]
	}
	err = b.watchdog.guard(func() (err error) {
		n, err = b.source.Read(p)
		return err
	})
	if b.left > 0 {
		b.left -= int64(n)
	}
	if b.counted != nil {
		b.counted.Add(int64(n))
	}
	return n, b.watchdog.explain(err, b.host)
}

func (b *body) Close() error {
	err := b.source.Close()
	b.watchdog.cancel()
	return err
}
