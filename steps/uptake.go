package steps

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ingress-testbed/testbed/steps/objects"
)

// Patience says how long to wait until the controller has taken an Ingress up. Nothing in Kubernetes says when it has;
// the address in the Ingress's status is the nearest thing, but a route works without one, and a controller may never
// write any (ingress-nginx with --update-status=false, Traefik without a published Service). Zero values are defaults.
type Patience struct {
	// First bounds the wait for the first address that the controller writes: 20 seconds.
	First time.Duration
	// Next bounds the wait for an address where the controller has written one before: 90 seconds.
	Next time.Duration
	// Settle is waited for where no address is to be expected, or where it doesn't mean that the Ingress is served:
	// 3 seconds. Controllers collect changes before they act (Traefik: for 2 seconds, providersThrottleDuration).
	Settle time.Duration
}

func (p Patience) withDefaults() Patience {
	for value, fallback := range map[*time.Duration]time.Duration{
		&p.First: 20 * time.Second, &p.Next: readyTimeout, &p.Settle: 3 * time.Second,
	} {
		if *value == 0 {
			*value = fallback
		}
	}
	return p
}

// uptake is what the run has learned about the controller's addresses. A controller that is deployed with other settings
// is another one in this respect.
type uptake struct {
	mu       sync.Mutex
	current  string // the settings
	habits   map[string]habit
	findings []string
}

// habit is whether a controller writes addresses.
type habit int

const (
	unknownHabit habit = iota
	writesAddresses
	writesNone
)

// controllerIs says with which settings the controller runs from now on.
func (u *uptake) controllerIs(settings map[string]string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.current = fmt.Sprint(settings) // maps are printed in the order of their keys
}

func (u *uptake) habit() habit {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.habits[u.current]
}

func (u *uptake) learn(seen habit, finding string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.habits == nil {
		u.habits = map[string]habit{}
	}
	u.habits[u.current] = seen
	if finding != "" {
		u.findings = append(u.findings, finding)
	}
}

// Findings are what the run has found out about the controller beside what the scenarios assert, a sentence each.
func (e *Environment) Findings() []string {
	e.uptake.mu.Lock()
	defer e.uptake.mu.Unlock()
	return append([]string(nil), e.uptake.findings...)
}

// waitTakenUp waits until the controller has taken the Ingresses up, as far as that can be known. An Ingress without an
// address is no error: whether it is served is for the scenario to assert. The note says that there was none.
func (e *Environment) waitTakenUp(ctx context.Context, ingresses []*unstructured.Unstructured) (note string, err error) {
	if len(ingresses) == 0 {
		return "", nil
	}
	patience, before := e.Patience.withDefaults(), e.uptake.habit()
	limit := map[habit]time.Duration{unknownHabit: patience.First, writesAddresses: patience.Next, writesNone: patience.Settle}[before]
	missing, err := e.waitAddresses(ctx, ingresses, limit)
	if err != nil {
		return "", err
	}
	if len(missing) < len(ingresses) {
		e.uptake.learn(writesAddresses, "")
	}
	if len(missing) > 0 {
		note = fmt.Sprintf("the controller wrote no address into the status of %s within %s", nameAll(missing), limit)
		switch {
		case before == unknownHabit && len(missing) == len(ingresses):
			e.uptake.learn(writesNone, fmt.Sprintf("%s; from then on Ingresses were given %s to be taken up", note, patience.Settle))
		case before == writesAddresses:
			e.uptake.learn(writesAddresses, note+", as it had for others")
		}
		return note, nil
	}
	if controller, err := e.Controller.Current(); err != nil || !controller.ServesLater {
		return "", nil //nolint:nilerr // without a controller there is nobody to wait for
	}
	return "", pause(ctx, patience.Settle)
}

func nameAll(ingresses []*unstructured.Unstructured) string {
	var names []string
	for _, ingress := range ingresses {
		names = append(names, objects.Name(ingress))
	}
	return strings.Join(names, ", ")
}

// waitAddresses waits until all have an address, and returns those that have none when the time is up.
func (e *Environment) waitAddresses(
	ctx context.Context, ingresses []*unstructured.Unstructured, limit time.Duration,
) ([]*unstructured.Unstructured, error) {
	waiting, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	slow := time.AfterFunc(quietWait, func() { e.note("waiting for the address of %s", nameAll(ingresses)) })
	defer slow.Stop()
	problems := make([]error, len(ingresses))
	var all sync.WaitGroup
	for i, ingress := range ingresses { // at once: one without an address must not use up the time of the others
		all.Go(func() { problems[i] = e.Objects.WaitReady(waiting, ingress) })
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
