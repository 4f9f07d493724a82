//go:build linux

package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

const (
	maxRedirects = 10
	// mostBody is how much of a reply is read to be quoted in an event.
	mostBody = 10 << 10
)

// getHTTP succeeds on a status from 200 to 399. A redirect is followed on the same host; one that leads elsewhere is a
// success with a warning, as what answers there says nothing about this container.
func getHTTP(ctx context.Context, action *corev1.HTTPGetAction, t Target) error {
	request, err := Request(ctx, action, t)
	if err != nil {
		return err
	}
	client := NewClient(request.URL.Hostname())
	defer client.CloseIdleConnections()
	reply, err := client.Do(request)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	// The server should not see its reply cut off. More than this is not worth waiting for.
	body, _ := io.ReadAll(io.LimitReader(reply.Body, mostBody)) // the status counts
	if reply.StatusCode < http.StatusOK || reply.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("HTTP probe failed with statuscode: %d", reply.StatusCode)
	}
	if reply.StatusCode >= http.StatusMultipleChoices && t.Warn != nil {
		t.Warn(fmt.Sprintf("Probe terminated redirects, Response body: %s", body))
	}
	return nil
}

// Request is the request that an httpGet action makes, for a probe or a hook.
func Request(ctx context.Context, action *corev1.HTTPGetAction, t Target) (*http.Request, error) {
	address, err := addressOf(action.Host, action.Port, t)
	if err != nil {
		return nil, err
	}
	scheme := strings.ToLower(string(action.Scheme))
	if scheme == "" {
		scheme = "http"
	}
	target, err := url.Parse(action.Path) // it may hold a query
	if err != nil {
		return nil, fmt.Errorf("path of httpGet: %w", err)
	}
	target.Scheme, target.Host = scheme, address
	if target.Path == "" {
		target.Path = "/"
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("httpGet: %w", err)
	}
	request.Header.Set("User-Agent", "kube-probe/1")
	request.Header.Set("Accept", "*/*")
	for _, h := range action.HTTPHeaders {
		switch http.CanonicalHeaderKey(h.Name) {
		case "Host":
			request.Host = h.Value
		case "Accept", "User-Agent":
			request.Header.Set(h.Name, h.Value)
		default:
			request.Header.Add(h.Name, h.Value)
		}
	}
	return request, nil
}

// NewClient returns a client for the probes and hooks of a container. It does not verify certificates, and does not follow
// redirects to other hosts than the given one.
func NewClient(host string) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			// Probes check whether the server works, not its identity, as the documentation of httpGet says.
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // see above
			DisableKeepAlives: true, DisableCompression: true,
		},
		CheckRedirect: func(next *http.Request, via []*http.Request) error {
			if next.URL.Hostname() != host {
				return http.ErrUseLastResponse
			}
			if len(via) >= maxRedirects {
				return errors.New("stopped after 10 redirects")
			}
			return nil
		},
	}
}
