package subject

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ingress-testbed/testbed/internal/sleep"
	"github.com/ingress-testbed/testbed/steps/client"
	"github.com/ingress-testbed/testbed/steps/objects"
)

// WaitPolicy bounds the wait until a controller serves an Ingress. Kubernetes has no field for that; the nearest is the
// address in the Ingress's status. But a route works without an address, and a controller may never publish one
// (ingress-nginx with --update-status=false, Traefik without a published Service). Therefore Markers are used, except for the
// test-bed's own controller, which publishes the address when it serves. Zero values mean the defaults.
type WaitPolicy struct {
	// First bounds the wait for the first address that the controller publishes: 20 seconds.
	First time.Duration
	// Next bounds the wait for an address if the controller has published one before, and that for a marker: 90 seconds.
	Next time.Duration
	// Settle is how long to wait if no address is expected, or if an address doesn't mean that the Ingress is served:
	// 3 seconds. Controllers batch changes (Traefik: for 2 seconds, providersThrottleDuration).
	Settle time.Duration
	// Steps bounds steps that wait for an answer, whatever their own limit; 0 leaves it to them.
	Steps time.Duration
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
	markers    *Markers // nil for none
	// settle is for what is watched beside Ingresses, once a marker is served.
	settle time.Duration

	mu       sync.Mutex
	settings string // of the controller, as of settingsKey
	entry    client.Entry
	observed map[string]publishing
	unmarked map[string]bool // settings with which the controller didn't serve a marker
	findings []string
}

// publishing is whether a controller publishes addresses.
type publishing int

const (
	unknown publishing = iota
	publishes
	publishesNone
)

// NewReadiness returns a Readiness that has observed nothing yet. Without markers it relies on addresses alone.
func NewReadiness(api *objects.API, controller Controller, policy WaitPolicy, markers *Markers) *Readiness {
	return &Readiness{
		objects: api, controller: controller, policy: policy.withDefaults(), markers: markers, settle: cmp.Or(policy.Settle, markerSettle),
		observed: map[string]publishing{}, unmarked: map[string]bool{},
	}
}

// SetDeployed sets the settings that the controller runs with from now on, and where requests enter it.
func (r *Readiness) SetDeployed(settings map[string]string, entry client.Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.settings, r.entry = settingsKey(settings), entry
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
	if class, entry, ok := r.marking(); ok {
		return r.waitMarked(ctx, ingresses, class, entry)
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
	return "", sleep.For(ctx, r.policy.Settle)
}

// marking reports whether a marker is waited for: that needs another controller than the test-bed's own, whose address says it, and
// one that has not failed to serve a marker before.
func (r *Readiness) marking() (class string, entry client.Entry, ok bool) {
	installation, err := r.controller.Installation()
	r.mu.Lock()
	defer r.mu.Unlock()
	ok = err == nil && installation.ServesLater && r.markers != nil && r.entry.HTTP.IsValid() && !r.unmarked[r.settings]
	return installation.IngressClass, r.entry, ok
}

// waitMarked waits until an Ingress is served that is applied after the others.
func (r *Readiness) waitMarked(ctx context.Context, ingresses []*unstructured.Unstructured, class string, entry client.Entry) (note string, err error) {
	started := time.Now()
	served, err := r.markers.await(ctx, r.objects, class, entry, r.policy.Next)
	if err != nil {
		return "", err
	}
	if !served {
		note = fmt.Sprintf("the controller didn't serve an Ingress that was applied after %s within %s", nameAll(ingresses), r.policy.Next)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.unmarked[r.settings] = true
		r.findings = append(r.findings, note+"; later Ingresses were waited for by the address in their status")
		return note, nil
	}
	if err := sleep.For(ctx, r.settle); err != nil {
		return "", err
	}
	missing, err := r.markers.neverTakenUp(ctx, ingresses, entry)
	if err != nil || len(missing) == 0 {
		return "", err
	}
	note = fmt.Sprintf("%s was never taken up: the controller serves an Ingress that was applied later, and answers requests for its host "+
		"as those for a host that no Ingress has", nameAll(missing))
	if lines := r.logAbout(ctx, missing, started); lines != "" {
		note += ". Its log:\n" + lines
	}
	return note, nil
}

const (
	// logged is how many lines of the controller's log are searched, and maxLines how many are quoted.
	logged   = 2000
	maxLines = 20
	// clockSkew is how much the clock of a node may be behind, and the time in which the Ingresses were applied.
	clockSkew = 5 * time.Second
)

// logAbout returns the lines of the controller's log since a time that name one of the Ingresses; "" if there are none, or no log.
func (r *Readiness) logAbout(ctx context.Context, ingresses []*unstructured.Unstructured, since time.Time) string {
	pod, err := r.controller.Pod(ctx)
	if err != nil {
		return ""
	}
	log, err := r.objects.Workloads.LogSince(ctx, pod.Namespace, pod.Name, since.Add(-clockSkew), logged)
	if err != nil {
		return ""
	}
	var lines []string
	for line := range strings.Lines(log) {
		if len(lines) < maxLines && slices.ContainsFunc(ingresses, func(i *unstructured.Unstructured) bool {
			return strings.Contains(line, i.GetName()) && strings.Contains(line, i.GetNamespace())
		}) {
			lines = append(lines, strings.TrimRight(line, "\n"))
		}
	}
	return strings.Join(lines, "\n")
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
