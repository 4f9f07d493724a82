package lifecycle

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/ingress-testbed/testbed/clusters/embedded/container"
)

// startHolder starts the process that holds the PID namespace of a Pod whose containers share one.
func (w *Worker) startHolder() error {
	pod := w.Pod()
	if share := pod.Spec.ShareProcessNamespace; share == nil || !*share || pod.Spec.HostPID || w.holder != nil {
		return nil
	}
	p, err := w.node.Launcher.Start(container.Spec{Holder: true, User: container.Root(), Namespaces: w.sandbox.Namespaces()})
	if err != nil {
		return err
	}
	w.holder = p
	return nil
}

// endHolder ends it, and with it whatever the containers have left running.
func (w *Worker) endHolder() {
	if w.holder == nil {
		return
	}
	w.holder.Signal(unix.SIGKILL) //nolint:errcheck // then it has ended already
	<-w.holder.Done()
	w.holder.Close()
	w.holder = nil
}

// namespaces are those that this container joins.
func (r *runner) namespaces() (container.Namespaces, error) {
	w := r.worker
	n := w.sandbox.Namespaces()
	pod := w.Pod()
	n.HostPID = pod.Spec.HostPID
	if w.holder != nil {
		n.PID = w.holder.PID()
	}
	target := r.targetName()
	if target == "" || n.HostPID || w.holder != nil {
		return n, nil
	}
	current, err := w.running(target)
	if err != nil {
		return n, fmt.Errorf("joining the processes of container %q: %w", target, err)
	}
	n.PID = current.process.PID()
	return n, nil
}

// targetName is the container whose processes an ephemeral container wants to see.
func (r *runner) targetName() string {
	if r.role != roleEphemeral {
		return ""
	}
	for _, e := range r.worker.Pod().Spec.EphemeralContainers {
		if e.Name == r.name {
			return e.TargetContainerName
		}
	}
	return ""
}
