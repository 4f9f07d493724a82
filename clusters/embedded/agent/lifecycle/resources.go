//go:build linux

package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/admission"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/deadline"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/imagepull"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/podspec"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/podstatus"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/sandbox"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/volume"
	"github.com/ingress-testbed/testbed/clusters/embedded/container"
)

// Retries of what a Pod needs but can't have yet. A change of the objects that it refers to ends the wait early.
const (
	firstRetry = 20 * time.Millisecond
	maxRetry   = 2 * time.Second
	// eventDelay is how long a step may fail before it is worth an event. Right after a Pod is bound, the API server may
	// not know yet that the node may read what the Pod refers to, and a new namespace may not be complete.
	eventDelay = time.Second
	// tearDownTimeout bounds one attempt to remove a Pod's resources.
	tearDownTimeout = 20 * time.Second
)

// resources are what the containers of a Pod share: its folder, volumes, sandbox, files in /etc and, if they share a PID
// namespace, a pause container.
type resources struct {
	node   *Node
	state  *podState
	images *imagepull.Pod
	dir    string
	log    *slog.Logger

	volumes *volume.Set
	// volumesIdle holds an element while no goroutine works on the volumes, which may take as long as a request to the API.
	volumesIdle chan struct{}

	mu      sync.Mutex
	sandbox *sandbox.Sandbox   // nil before it is created
	pause   *container.Process // nil if there is none
}

func newResources(ctx context.Context, node *Node, state *podState, images *imagepull.Pod, dir string, log *slog.Logger) *resources {
	r := &resources{
		node: node, state: state, images: images, dir: dir, log: log, volumesIdle: make(chan struct{}, 1),
		volumes: volume.NewSet(filepath.Join(dir, "volumes"), podObjects{ctx, node, state.get().Pod, images}),
	}
	r.volumesIdle <- struct{}{}
	return r
}

func (r *resources) makeDir() error {
	if err := os.MkdirAll(filepath.Join(r.dir, "volumes"), 0o755); err != nil {
		return fmt.Errorf("creating the Pod's folder: %w", err)
	}
	return nil
}

// setUp creates the resources. It retries each step until it succeeds, and returns false if the Pod is to end before that.
// Volumes come before the sandbox, as with the kubelet; those with the Pod's address are written again once it is known.
func (r *resources) setUp(ctx context.Context, stop *deadline.Deadline, stale <-chan struct{}) bool {
	for _, step := range []struct {
		reason, what string
		do           func(context.Context) error
	}{
		{eventFailedMount, "MountVolume.SetUp failed", r.setUpVolumes},
		{eventSandbox, "Failed to create pod sandbox", r.setUpSandbox},
		{eventSandbox, "Failed to write the Pod's files", r.writeFiles},
		{eventSandbox, "Failed to start the Pod's process namespace", r.startPause},
	} {
		reported, began := "", time.Now()
		for delay := firstRetry; ; delay = min(2*delay, maxRetry) {
			if stop.IsSet() {
				return false
			}
			err := step.do(ctx)
			if err == nil {
				break
			}
			if reported != err.Error() && time.Since(began) > eventDelay {
				reported = err.Error()
				r.log.Warn(step.what, "error", err)
				r.event(step.reason, "%s: %v", step.what, err)
			}
			if !stop.Sleep(delay, stale) {
				return false
			}
		}
	}
	return true
}

// withVolumes calls do while no other goroutine works on the volumes.
func (r *resources) withVolumes(ctx context.Context, do func() error) error {
	select {
	case <-r.volumesIdle:
	case <-ctx.Done():
		return fmt.Errorf("waiting for the Pod's volumes: %w", context.Cause(ctx))
	}
	defer func() { r.volumesIdle <- struct{}{} }()
	return do()
}

func (r *resources) setUpVolumes(ctx context.Context) error {
	return r.withVolumes(ctx, func() error {
		_, err := r.volumes.Setup(ctx, r.state.get().Pod, r.runtime())
		return err
	})
}

// runtime is what containers can refer to about where they run.
func (r *resources) runtime() podspec.Runtime {
	return podspec.Runtime{HostIPs: r.node.HostIPs, Allocatable: r.node.Allocatable, PodIPs: r.state.ips()}
}

func (r *resources) setUpSandbox(ctx context.Context) error {
	pod := r.state.get().Pod
	hostname, err := podspec.KernelHostname(pod, r.node.DNS.Domain)
	if err != nil {
		return err
	}
	o := sandbox.Options{
		Namespace: pod.Namespace, Name: pod.Name, UID: string(pod.UID), Hostname: hostname,
		HostNetwork: pod.Spec.HostNetwork, HostIPC: pod.Spec.HostIPC, Ports: hostPorts(pod), Sysctls: map[string]string{},
	}
	if sc := pod.Spec.SecurityContext; sc != nil {
		for _, s := range sc.Sysctls {
			o.Sysctls[s.Name] = s.Value
		}
	}
	created, err := r.node.Sandboxes.Make(ctx, o)
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.sandbox = created
	r.mu.Unlock()
	r.state.Apply(podstatus.SandboxCreated{IPs: created.IPs()})
	return nil
}

func hostPorts(pod *corev1.Pod) []sandbox.PortMapping {
	if pod.Spec.HostNetwork {
		return nil
	}
	var ports []sandbox.PortMapping
	for _, p := range admission.HostPorts(pod) {
		ports = append(ports, sandbox.PortMapping{
			HostPort: p.HostPort, ContainerPort: p.ContainerPort, HostIP: p.HostIP,
			Protocol: strings.ToLower(string(p.Protocol)), // nftables accepts no other spelling
		})
	}
	return ports
}

// startPause starts the pause container, whose PID namespace the others share.
func (r *resources) startPause(context.Context) error {
	pod := r.state.get().Pod
	if share := pod.Spec.ShareProcessNamespace; share == nil || !*share || pod.Spec.HostPID {
		return nil
	}
	box, _ := r.shared()
	p, err := r.node.Launcher.Start(container.Spec{Pause: true, User: container.Root(), Namespaces: box.Namespaces()})
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pause = p
	return nil
}

func (r *resources) shared() (*sandbox.Sandbox, *container.Process) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sandbox, r.pause
}

// namespaces are those that the Pod's containers join.
func (r *resources) namespaces() container.Namespaces {
	box, pause := r.shared()
	n := box.Namespaces()
	n.HostPID = r.state.get().Pod.Spec.HostPID
	if pause != nil {
		n.PID = pause.PID()
	}
	return n
}

// keepFresh writes volumes again when their objects change and before their tokens expire, until ctx ends. It calls
// refreshed after each change.
func (r *resources) keepFresh(ctx context.Context, stale <-chan struct{}, refreshed func()) {
	reported := ""
	for {
		var renew time.Time
		err := r.withVolumes(ctx, func() (err error) {
			renew, err = r.volumes.Refresh(ctx, r.state.get().Pod, r.runtime())
			return err
		})
		var due <-chan time.Time
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			if reported != err.Error() {
				reported = err.Error()
				r.event(eventFailedMount, "MountVolume.SetUp failed: %v", err)
			}
			due = time.After(maxRetry)
		case !renew.IsZero():
			due = time.After(max(time.Until(renew), time.Second))
		}
		select {
		case <-ctx.Done():
			return
		case <-stale:
		case <-due:
		}
		refreshed()
	}
}

// tearDown removes the resources. It retries until it succeeds or ctx ends; then the namespaces of
// the whole machine end too, and with them what is left.
func (r *resources) tearDown(ctx context.Context) {
	reported := false
	for delay := firstRetry; ; delay = min(2*delay, maxRetry) {
		err := r.remove(context.WithoutCancel(ctx))
		if err == nil {
			return
		}
		r.log.Error("cleaning up after the Pod", "error", err)
		if !reported {
			reported = true
			r.event(eventKillPod, "error cleaning up: %v", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(delay):
		}
	}
}

func (r *resources) remove(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, tearDownTimeout)
	defer cancel()
	r.endPause()
	box, _ := r.shared()
	r.state.Apply(podstatus.SandboxRemoved{})
	var errs []error
	if box != nil {
		errs = append(errs, box.Close(ctx))
	}
	if err := r.withVolumes(ctx, r.volumes.Teardown); err != nil {
		return errors.Join(append(errs, err)...) // what is below a mount must not be removed
	}
	return errors.Join(append(errs, os.RemoveAll(r.dir))...)
}

// endPause kills the pause container, and with it all processes that the containers have left running.
func (r *resources) endPause() {
	_, pause := r.shared()
	if pause == nil {
		return
	}
	pause.Signal(unix.SIGKILL) //nolint:errcheck // fails only if it has ended
	<-pause.Done()
	pause.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pause = nil
}

func (r *resources) event(reason, format string, args ...any) {
	r.node.event(r.state.get().Pod, "", corev1.EventTypeWarning, reason, fmt.Sprintf(format, args...))
}
