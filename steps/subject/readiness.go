package subject

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ingress-testbed/testbed/steps/objects"
)

// WaitPolicy bounds the wait until a controller serves an Ingress. Kubernetes has no field for that; the nearest is the
// address in the Ingress's status. But a route works without an address, and a controller may never publish one
// (ingress-nginx with --update-status=false, Traefik without a published Service). Zero values mean the defaults.
type WaitPolicy struct {
	// First bounds the wait for the first address that the controller publishes: 20 seconds.
	First time.Duration
	// Next bounds the wait for an address if the controller has published one before: 90 seconds.
	Next time.Duration
	// Settle is how long to wait if no address is expected, or if an address doesn't mean that the Ingress is served:
	// 3 seconds. Controllers batch changes (Traefik: for 2 seconds, providersThrottleDuration).
	Settle time.Duration
}

func (p WaitPolicy) withDefaults() WaitPolicy {
	for value, standard := range map[*time.Duration]time.Duration{
		&p.First: 20 * time.Second, &p.Next: objects.ReadyTimeout, &p.Settle: 3 * time.Second,
	} {
		if *value == 0 {
			*value = standard
		}
	}
	return p
}

// Readiness waits until Ingresses are served. It observes whether the controller publishes addresses, separately for
// each of the settings that the controller is deployed with. Its methods may be called from several goroutines.
type Readiness struct {
	objects    *objects.API
	controller Controller
	policy     WaitPolicy

	mu       sync.Mutex
	settings string // of the controller, as of settingsKey
	observed map[string]publishing
	findings []string
}

// publishing is whether a controller publishes addresses.
type publishing int

const (
	unknown publishing = iota
	publishes
	publishesNone
)

// NewReadiness returns a Readiness that has observed nothing yet.
func NewReadiness(api *objects.API, controller Controller, policy WaitPolicy) *Readiness {
	return &Readiness{objects: api, controller: controller, policy: policy.withDefaults(), observed: map[string]publishing{}}
}

// SetSettings sets the settings that the controller runs with from now on.
func (r *Readiness) SetSettings(settings map[string]string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.settings = settingsKey(settings)
}

func (r *Readiness) current() publishing {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.observed[r.settings]
}

func (r *Readiness) observe(seen publishing, finding string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.observed[r.settings] = seen
	if finding != "" {
		r.findings = append(r.findings, finding)
	}
}

// Findings returns what the run observed about the controller beside what the scenarios assert, one sentence each.
func (r *Readiness) Findings() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.findings)
}

// Wait waits until the controller serves the Ingresses, as far as that can be known. An Ingress without an address is
// not an error, because the scenario asserts whether it is served; the note then says that it has none.
func (r *Readiness) Wait(ctx context.Context, ingresses []*unstructured.Unstructured) (note string, err error) {
	if len(ingresses) == 0 {
		return "", nil
	}
	before := r.current()
	limit := map[publishing]time.Duration{unknown: r.policy.First, publishes: r.policy.Next, publishesNone: r.policy.Settle}[before]
	missing, err := r.waitAddresses(ctx, ingresses, limit)
	if err != nil {
		return "", err
	}
	if len(missing) < len(ingresses) {
		r.observe(publishes, "")
	}
	if len(missing) > 0 {
		note = fmt.Sprintf("the controller published no address in the status of %s within %s", nameAll(missing), limit)
		switch {
		case before == unknown && len(missing) == len(ingresses):
			r.observe(publishesNone, fmt.Sprintf("%s; later Ingresses were assumed to be served after %s", note, r.policy.Settle))
		case before == publishes:
			r.observe(publishes, note+", although it did for others")
		}
		return note, nil
	}
	if installation, err := r.controller.Installation(); err != nil || !installation.ServesLater {
		return "", nil //nolint:nilerr // without a controller there is nothing to wait for
	}
	return "", sleep(ctx, r.policy.Settle)
}

func nameAll(ingresses []*unstructured.Unstructured) string {
	var names []string
	for _, ingress := range ingresses {
		names = append(names, objects.Name(ingress))
	}
	return strings.Join(names, ", ")
}

// waitAddresses waits until all Ingresses have an address and returns those that have none after the limit.
func (r *Readiness) waitAddresses(
	ctx context.Context, ingresses []*unstructured.Unstructured, limit time.Duration,
) ([]*unstructured.Unstructured, error) {
	waiting, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	problems := make([]error, len(ingresses))
	var all sync.WaitGroup
	for i, ingress := range ingresses { // concurrently: one without an address must not use up the time of the others
		all.Go(func() { problems[i] = r.objects.WaitReady(waiting, ingress) })
	}
	all.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	var missing []*unstructured.Unstructured
	for i, problem := range problems {
		if problem != nil && !errors.Is(problem, context.DeadlineExceeded) {
			return nil, problem
		}
		if problem != nil {
			missing = append(missing, ingresses[i])
		}
	}
	return missing, nil
}
