//go:build linux

// Package containers runs the containers of a Pod: init containers in order, sidecars beside them, main containers, and
// ephemeral ones, each over all its restarts, with probes and hooks. It also serves exec, attach and logs.
//
// A Manager has a runner for each container. A runner makes one attempt after another to run it, as its restart policy
// says. While the container's process runs, it is a containerRun.
package containers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	corev1 "k8s.io/api/core/v1"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/deadline"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/imagepull"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/podspec"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/podstatus"
	"github.com/ingress-testbed/testbed/clusters/embedded/container"
	"github.com/ingress-testbed/testbed/clusters/embedded/container/crilog"
	"github.com/ingress-testbed/testbed/clusters/embedded/image"
)

// Errors of Exec, Attach and Log.
var (
	ErrNoContainer = errors.New("no such container")
	ErrNotStarted  = errors.New("container has not been started yet")
	ErrNotRunning  = errors.New("container is not running")
)

// Pod is the Pod that the containers belong to.
type Pod interface {
	// Object is the Pod as last seen in the API, to be read only.
	Object() *corev1.Pod
	// IPs of the Pod; nil while it has no network.
	IPs() []netip.Addr
	// Apply changes the state of the Pod.
	Apply(podstatus.Event)
	// Container returns the state of a container.
	Container(name string) podstatus.Container
	// Spec builds the specification of a container, except for its scratch folder and its termination message.
	Spec(ctx context.Context, c *corev1.Container, img image.Image) (container.Spec, error)
	// PullCredentials returns those of the Pod's image pull secrets for a repository.
	PullCredentials(ctx context.Context, repository name.Repository) []authn.AuthConfig
	// Event records an event about the part of the Pod at a field path.
	Event(fieldPath, kind, reason, message string)
}

// Config says where and how containers are run.
type Config struct {
	// Dir is the folder for the files of the containers, and LogDir that for their logs.
	Dir, LogDir string
	LogLimits   crilog.Limits
	Launcher    *container.Launcher
	Images      *imagepull.Pod
	Logger      *slog.Logger
	// Prior is the Pod's status at the start, with the containers of an earlier node agent.
	Prior corev1.PodStatus
}

// Manager runs the containers of one Pod.
type Manager struct {
	config Config
	pod    Pod
	stop   *deadline.Deadline // of the Pod

	mu      sync.Mutex
	runners map[string]*runner
	open    bool // ephemeral containers may be started
}

// NewManager returns a manager that has started nothing yet. The containers end when stop passes.
func NewManager(config Config, pod Pod, stop *deadline.Deadline) *Manager {
	return &Manager{config: config, pod: pod, stop: stop, runners: map[string]*runner{}}
}

// Run runs all containers until they end by themselves or stop is set: init containers one after another, then all main
// containers, and sidecars until those have ended. If ctx ends, sidecars get no grace period.
func (m *Manager) Run(ctx context.Context) {
	m.mu.Lock()
	m.open = true
	m.mu.Unlock()
	sidecars, initialized := m.runInit(ctx)
	if initialized && !m.stop.IsSet() {
		m.StartEphemeral(ctx)
		m.runMain(ctx)
	}
	m.endSidecars(ctx, sidecars)
	m.mu.Lock()
	m.open = false
	rest := slices.Collect(maps.Values(m.runners))
	m.mu.Unlock()
	for _, r := range rest {
		<-r.finished
	}
}

// runInit runs the init containers. It returns false if one failed for good or the Pod is to end.
func (m *Manager) runInit(ctx context.Context) (sidecars []*runner, initialized bool) {
	pod := m.pod.Object()
	for i := range pod.Spec.InitContainers {
		c := &pod.Spec.InitContainers[i]
		if roleOfInit(c) == roleSidecar {
			r := m.start(ctx, c.Name, roleSidecar, deadline.New())
			sidecars = append(sidecars, r)
			initialized = r.waitStarted(m.stop)
		} else {
			initialized = m.start(ctx, c.Name, roleInit, m.stop).waitSucceeded()
		}
		if !initialized {
			return sidecars, false
		}
	}
	return sidecars, true
}

// runMain returns when all main containers have ended, by themselves or because stop was set. As the kubelet does, it starts
// each after the one before runs and its postStart hook has ended, or could not be started; service meshes rely on that.
func (m *Manager) runMain(ctx context.Context) {
	pod := m.pod.Object()
	var started []*runner
	for i := range pod.Spec.Containers {
		r := m.start(ctx, pod.Spec.Containers[i].Name, roleMain, m.stop)
		started = append(started, r)
		r.waitTried(m.stop)
	}
	for _, r := range started {
		<-r.finished
	}
}

// minSidecarGrace is the least grace period of a sidecar.
const minSidecarGrace = 2 * time.Second

// endSidecars ends them in reverse order, each after those started later. They share what is left of the Pod's grace
// period, and get minSidecarGrace at least.
func (m *Manager) endSidecars(ctx context.Context, sidecars []*runner) {
	m.stop.Advance(time.Now().Add(GracePeriod(m.pod.Object())))
	for _, r := range slices.Backward(sidecars) {
		for ended := false; !ended; {
			at, changed := m.stop.Get()
			if least := time.Now().Add(minSidecarGrace); ctx.Err() == nil && at.Before(least) {
				at = least
			}
			r.stop.Advance(at)
			select {
			case <-r.finished:
				ended = true
			case <-changed:
			}
		}
	}
}

func (m *Manager) start(ctx context.Context, name string, as role, stop *deadline.Deadline) *runner {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.startLocked(ctx, name, as, stop)
}

func (m *Manager) startLocked(ctx context.Context, name string, as role, stop *deadline.Deadline) *runner {
	r := newRunner(m, name, as, stop)
	m.runners[name] = r
	go r.loop(ctx)
	return r
}

// StartEphemeral starts the ephemeral containers that were added to the Pod since it was started (`kubectl debug`).
func (m *Manager) StartEphemeral(ctx context.Context) {
	pod := m.pod.Object()
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range pod.Spec.EphemeralContainers {
		if name := pod.Spec.EphemeralContainers[i].Name; m.open && m.runners[name] == nil {
			m.startLocked(ctx, name, roleEphemeral, m.stop)
		}
	}
}

// ImageChanged makes a container run its new image: at once if it waits to be restarted, and otherwise after it was ended.
// It does nothing if the container has not been started yet.
func (m *Manager) ImageChanged(name string) {
	m.mu.Lock()
	r := m.runners[name]
	m.mu.Unlock()
	if r != nil {
		r.restart(restart{image: r.definition().Image, reason: "Container " + name + " definition changed, will be restarted"})
	}
}

// Running is a container that runs.
type Running struct {
	Name, Image string
	// PID of the first process, as the agent sees it.
	PID       int
	StartedAt time.Time
}

// Running returns the containers that run, sorted by name.
func (m *Manager) Running() []Running {
	m.mu.Lock()
	runners := slices.Collect(maps.Values(m.runners))
	m.mu.Unlock()
	var list []Running
	for _, r := range runners {
		if run := r.current(); run != nil {
			list = append(list, Running{r.name, run.image, run.process.PID(), run.process.StartedAt()})
		}
	}
	slices.SortFunc(list, func(a, b Running) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// Wake makes containers that wait for an object try again at once.
func (m *Manager) Wake() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.runners {
		select {
		case r.retry <- struct{}{}:
		default: // it is going to try again already
		}
	}
}

// runner returns the runner of a container; that of the first one if there is no name.
func (m *Manager) runner(name string) (*runner, error) {
	pod := m.pod.Object()
	m.mu.Lock()
	defer m.mu.Unlock()
	if name == "" && len(pod.Spec.Containers) > 0 {
		name = pod.Spec.Containers[0].Name
	}
	if r := m.runners[name]; r != nil {
		return r, nil
	}
	if podspec.FindContainer(pod, name) == nil {
		return nil, fmt.Errorf("%w: Pod %s has no container %q", ErrNoContainer, pod.Name, name)
	}
	return nil, fmt.Errorf("%w: container %q in Pod %s", ErrNotStarted, name, pod.Name)
}

// running returns the current run of a container.
func (m *Manager) running(name string) (*containerRun, error) {
	r, err := m.runner(name)
	if err != nil {
		return nil, err
	}
	if current := r.current(); current != nil {
		return current, nil
	}
	return nil, fmt.Errorf("%w: %s", ErrNotRunning, name)
}
