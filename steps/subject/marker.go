package subject

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/ingress-testbed/testbed/steps/client"
	"github.com/ingress-testbed/testbed/steps/objects"
)

// MarkerBackend is the Service of markers, whose port is 80. It answers every path with 200.
type MarkerBackend struct{ Namespace, Service string }

// Markers tell when a controller has taken up the Ingresses that were applied before them: a marker is an Ingress with a host of its
// own that is applied last, and requested until it is served. Controllers take up changes in their order, or all at once.
//
// The address in an Ingress's status says less: controllers publish it once a minute, before they route, or never.
type Markers struct {
	// Backend starts the Service when it is first called.
	Backend func(ctx context.Context) (MarkerBackend, error)
	// Client is the machine outside the cluster.
	Client client.Dialer
}

const (
	// markerInterval is the time between two requests to a marker.
	markerInterval = 100 * time.Millisecond
	// markerSettle is for what a controller watches beside Ingresses, such as Secrets.
	markerSettle = 500 * time.Millisecond
)

// await applies a marker of the class and waits until it is served. served is false if it wasn't within the limit.
func (m *Markers) await(ctx context.Context, api *objects.API, class string, entry client.Entry, limit time.Duration) (served bool, err error) {
	backend, err := m.Backend(ctx)
	if err != nil {
		return false, fmt.Errorf("starting the server of markers: %w", err)
	}
	name := "marker-" + strings.ToLower(rand.Text()[:10])
	host := name + ".invalid"
	applied, err := api.Apply(ctx, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": map[string]any{"name": name},
		"spec": map[string]any{
			"ingressClassName": class,
			"rules": []any{map[string]any{"host": host, "http": map[string]any{"paths": []any{map[string]any{
				"path": "/", "pathType": "Prefix",
				"backend": map[string]any{"service": map[string]any{"name": backend.Service, "port": map[string]any{"number": int64(80)}}},
			}}}}},
		},
	}}, backend.Namespace)
	if err != nil {
		return false, fmt.Errorf("applying a marker: %w", err)
	}
	err = wait.PollUntilContextTimeout(ctx, markerInterval, limit, true, func(ctx context.Context) (bool, error) {
		answer, err := m.request(ctx, entry, host, "/")
		return err == nil && answer.Status == http.StatusOK, nil // one that restarts refuses connections
	})
	deleted := api.StartDelete(context.WithoutCancel(ctx), []*unstructured.Unstructured{applied})
	switch {
	case ctx.Err() != nil:
		return false, context.Cause(ctx)
	case err == nil || wait.Interrupted(err):
		return err == nil, deleted
	}
	return false, errors.Join(err, deleted)
}

// markerTimeout bounds a request to a marker.
const markerTimeout = 2 * time.Second

func (m *Markers) request(ctx context.Context, entry client.Entry, host, path string) (client.Exchange, error) {
	ctx, cancel := context.WithTimeout(ctx, markerTimeout)
	defer cancel()
	resolver := &client.Resolver{}
	resolver.SetEntry(entry)
	outside := client.Client{Dialer: m.Client, Resolver: resolver}
	return outside.Do(ctx, client.Request{Method: http.MethodGet, URL: "http://" + host + path})
}

// neverTakenUp returns the Ingresses whose hosts are answered as one that no Ingress has.
func (m *Markers) neverTakenUp(ctx context.Context, ingresses []*unstructured.Unstructured, entry client.Entry) ([]*unstructured.Unstructured, error) {
	unknown, err := m.request(ctx, entry, "no-ingress-has-this-"+strings.ToLower(rand.Text()[:10])+".invalid", "/")
	if err != nil {
		return nil, nil //nolint:nilerr,nilnil // a controller that closes connections for unknown hosts: nothing to compare with
	}
	var all []*unstructured.Unstructured
	for _, ingress := range ingresses {
		host, path := firstRule(ingress)
		if host == "" {
			continue
		}
		answer, err := m.request(ctx, entry, host, path)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err == nil && answer.Status == unknown.Status && answer.Body == unknown.Body && answer.Status >= http.StatusBadRequest {
			all = append(all, ingress)
		}
	}
	return all, nil
}

// firstRule returns the host and the path of an Ingress's first rule; the host is "" if a request for them can't be written down: the
// rule has no host, or the path may be a regular expression.
func firstRule(ingress *unstructured.Unstructured) (host, path string) {
	rules, _, _ := unstructured.NestedSlice(ingress.Object, "spec", "rules")
	if len(rules) == 0 {
		return "", ""
	}
	rule, ok := rules[0].(map[string]any)
	if !ok {
		return "", ""
	}
	host, _, _ = unstructured.NestedString(rule, "host")
	if base, isWildcard := strings.CutPrefix(host, "*"); isWildcard {
		host = "any" + base
	}
	paths, _, _ := unstructured.NestedSlice(rule, "http", "paths")
	if len(paths) == 0 {
		return host, "/"
	}
	first, ok := paths[0].(map[string]any)
	if !ok {
		return "", ""
	}
	path, _, _ = unstructured.NestedString(first, "path")
	switch {
	case path == "":
		return host, "/"
	case !strings.HasPrefix(path, "/") || strings.ContainsAny(path, `(*[\^$ %?#`):
		return "", ""
	}
	return host, path
}
