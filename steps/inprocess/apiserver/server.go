// Package apiserver is as much of a Kubernetes API server as scenarios use, in memory: objects are applied, read, listed and
// deleted. Clients reach it by an http.RoundTripper.
//
// It validates and completes objects only where something depends on it. A request for what it doesn't have fails with an
// error that wraps clusters.ErrUnsupported, so that scenarios which need a real API server are skipped.
package apiserver

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/steps/objects"
)

// Server holds objects. Its methods may be called from several goroutines.
type Server struct {
	hooks Hooks

	mu      sync.Mutex // held while hooks run
	stored  map[key]*unstructured.Unstructured
	version int64
}

// key identifies an object: the plural of its kind, its namespace and its name.
type key struct{ resource, namespace, name string }

// Hooks are the rest of the cluster.
type Hooks struct {
	// Admit decides about an object that is about to be stored; created is whether there is none of that name yet. Its
	// error is the message of the refusal.
	Admit func(held *Objects, object *unstructured.Unstructured, created bool) error
	// Changed is called after each change and may make others.
	Changed func(held *Objects) error
	// Log returns the log of a Pod.
	Log func(namespace, pod string) string
	// Get makes a GET request to a port of a Pod.
	Get func(ctx context.Context, namespace, pod string, port int, path string) ([]byte, error)
}

// New returns a server that holds nothing.
func New(hooks Hooks) *Server {
	return &Server{hooks: hooks, stored: map[key]*unstructured.Unstructured{}}
}

// Change changes objects as a controller does: nothing is admitted.
func (s *Server) Change(change func(held *Objects) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := change(&Objects{s}); err != nil {
		return err
	}
	return s.changed()
}

// changed calls the hook. The caller must hold s.mu.
func (s *Server) changed() error { return s.hooks.Changed(&Objects{s}) }

// API returns clients of the server.
func (s *Server) API() (*objects.API, error) {
	const asJSON = "application/json"
	config := &rest.Config{
		Host: "http://in-process", Transport: s, QPS: -1,
		ContentConfig: rest.ContentConfig{ContentType: asJSON, AcceptContentTypes: asJSON},
	}
	clientset, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("creating a client of the API server in this process: %w", err)
	}
	untyped, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("creating a client of the API server in this process: %w", err)
	}
	return &objects.API{Workloads: objects.Workloads{Config: config, Clientset: clientset}, Dynamic: untyped, Mapper: mapper()}, nil
}

// mapper knows the kinds that the server stores.
func mapper() meta.RESTMapper {
	known := meta.NewDefaultRESTMapper(nil)
	for _, r := range resources() {
		scope := meta.RESTScopeNamespace
		if r.cluster {
			scope = meta.RESTScopeRoot
		}
		known.Add(r.kind, scope)
	}
	return mapperOr{known}
}

// mapperOr says that other kinds are not supported.
type mapperOr struct{ meta.RESTMapper }

// RESTMapping implements meta.RESTMapper.
func (m mapperOr) RESTMapping(kind schemaGroupKind, versions ...string) (*meta.RESTMapping, error) {
	mapping, err := m.RESTMapper.RESTMapping(kind, versions...)
	if err != nil {
		return nil, unsupported("objects of the kind %s", kind.Kind)
	}
	return mapping, nil
}

func unsupported(what string, arguments ...any) error {
	return fmt.Errorf("%s: not in process, without a cluster: %w", fmt.Sprintf(what, arguments...), clusters.ErrUnsupported)
}

// RoundTrip implements http.RoundTripper.
func (s *Server) RoundTrip(request *http.Request) (*http.Response, error) {
	var body []byte
	if request.Body != nil {
		var err error
		body, err = io.ReadAll(request.Body)
		_ = request.Body.Close()
		if err != nil {
			return nil, fmt.Errorf("reading the request: %w", err)
		}
	}
	target, err := parsePath(request.URL.Path)
	if err != nil {
		return nil, err
	}
	answer, err := s.handle(request, target, body)
	if err != nil {
		return nil, err
	}
	return answer.response(request), nil
}

// next returns the next resource version. The caller must hold s.mu.
func (s *Server) next() string {
	s.version++
	return strconv.FormatInt(s.version, 10)
}

// now is the time as it is stored: in whole seconds.
func now() string { return time.Now().UTC().Truncate(time.Second).Format(time.RFC3339) }
