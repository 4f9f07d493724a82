// Package backends runs servers that scenarios share, because starting Pods takes longer than most scenarios.
package backends

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ingress-testbed/testbed/steps/objects"
)

const (
	// image of the servers, as the manifests of the feature files name it.
	image = "testbed.local/backends:dev"
	// port that the servers listen on, and securePort that for TLS.
	port       = 8080
	securePort = 8443
)

// Kind of server, a command of the image.
type Kind string

// The kinds.
const (
	Echo  Kind = "echo"  // describes the request
	Probe Kind = "probe" // answers as the path says, such as /status/404
	// FastCGI describes requests to a FastCGI application.
	FastCGI Kind = "fastcgi"
	Extra   Kind = "extra" // describes the request as JSON and answers as its query says, also over TLS
)

// Shared starts servers when they are first used. Its methods may be called from several goroutines.
type Shared struct {
	api       *objects.API
	namespace string

	mu      sync.Mutex
	servers map[key]*server
	applied []*unstructured.Unstructured
}

// key is what distinguishes servers: their kind, the name of the Service, which echo servers report, and their number.
type key struct {
	kind    Kind
	service string
	pods    int
}

// server is a Deployment that is started once.
type server struct {
	start sync.Once
	pods  []corev1.Pod
	err   error
}

// NewShared returns a Shared that has started nothing yet.
func NewShared(api *objects.API) *Shared {
	return &Shared{api: api, namespace: "shared-" + strings.ToLower(rand.Text()[:8]), servers: map[key]*server{}}
}

// Backend is a Service for a scenario's namespace whose endpoints are shared servers.
type Backend struct {
	// Objects are the Service, whose port 80 is named http and port 443, where servers have TLS, https, and its EndpointSlice.
	Objects []*unstructured.Unstructured
	// Namespace and Deployment of the servers.
	Namespace, Deployment string
}

// Backend returns the objects of a Service with the given number of servers as endpoints. Echo servers report its name as
// their server_version. It waits until they are ready.
func (s *Shared) Backend(ctx context.Context, kind Kind, service string, pods int) (Backend, error) {
	wanted := key{kind, service, pods}
	s.mu.Lock()
	if s.servers[wanted] == nil {
		s.servers[wanted] = &server{}
	}
	found := s.servers[wanted]
	s.mu.Unlock()
	found.start.Do(func() { found.pods, found.err = s.run(ctx, wanted) })
	if found.err != nil {
		return Backend{}, fmt.Errorf("starting shared servers: %w", found.err)
	}
	return Backend{
		Objects: []*unstructured.Unstructured{serviceOf(kind, service), endpointsOf(kind, service, found.pods)}, Namespace: s.namespace,
		Deployment: wanted.deployment(),
	}, nil
}

func (k key) deployment() string { return fmt.Sprintf("%s-%s-%d", k.service, k.kind, k.pods) }

// run applies the Deployment, and the namespace with the first one.
func (s *Shared) run(ctx context.Context, wanted key) ([]corev1.Pod, error) {
	namespace := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": s.namespace},
	}}
	deployment := deploymentOf(wanted)
	for _, object := range []*unstructured.Unstructured{namespace, deployment} {
		applied, err := s.api.Apply(ctx, object, s.namespace)
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		s.applied = append(s.applied, applied)
		s.mu.Unlock()
		deployment = applied
	}
	waiting, cancel := context.WithTimeout(ctx, objects.ReadyTimeout)
	defer cancel()
	if err := s.api.WaitReady(waiting, deployment); err != nil {
		return nil, err
	}
	return s.api.Workloads.PodsOf(ctx, s.namespace, wanted.deployment())
}

// Service applies a Service for servers to their own namespace, which it returns. It waits until the servers are ready.
func (s *Shared) Service(ctx context.Context, kind Kind, name string, pods int) (namespace string, err error) {
	backend, err := s.Backend(ctx, kind, name, pods)
	if err != nil {
		return "", err
	}
	for _, object := range backend.Objects {
		if _, err := s.api.Apply(ctx, object, s.namespace); err != nil {
			return "", err
		}
	}
	return s.namespace, nil
}

// Clean deletes the servers and waits until they are gone.
func (s *Shared) Clean(ctx context.Context) error {
	s.mu.Lock()
	applied := s.applied
	s.applied, s.servers = nil, map[key]*server{}
	s.mu.Unlock()
	return s.api.Delete(ctx, applied)
}
