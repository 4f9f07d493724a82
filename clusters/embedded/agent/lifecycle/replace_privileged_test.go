//go:build linux && privileged

package lifecycle

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/containers"
)

func TestAPodStaysReadyWhenItsImageChanges(t *testing.T) {
	w := newWorld(t)
	c := script("c", "trap 'exit 2' TERM; touch /shared/trapped; while :; do sleep 0.02; done")
	c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: "shared", MountPath: "/shared"})
	pod := newPod(corev1.RestartPolicyAlways, c)
	pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: "shared", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}})
	worker := w.start(pod)
	w.until("running", running(0))
	await(t, "the shell has its trap", func() bool {
		return worker.Exec(context.Background(), "c", []string{"test", "-e", "/shared/trapped"}, containers.Streams{}) == nil
	})
	changed := pod.DeepCopy()
	changed.Spec.Containers[0].Image = "testbed.local/tools:next"
	worker.Update(changed)
	status := w.until("running again", running(1))
	if c := status.ContainerStatuses[0]; c.Image != "testbed.local/tools:next" || c.LastTerminationState.Terminated == nil || c.LastTerminationState.Terminated.ExitCode != 2 {
		t.Errorf("container %+v", c)
	}
	began := false
	for _, s := range w.reported() {
		if began = began || running(0)(s); began && !ready(s) {
			t.Errorf("a Pod without probes was running and not ready: %+v", s)
		}
	}
}

// What is needed to start the container again may be missing: then it is no longer shown as running.
func TestAPodIsNotReadyIfItsNewImageIsMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pod := newPod(corev1.RestartPolicyAlways, script("c", "exec sleep 60"))
	pod.Spec.TerminationGracePeriodSeconds = ptr.To[int64](1) // the program ignores SIGTERM
	worker := w.start(pod)
	w.until("ready", ready)
	changed := pod.DeepCopy()
	changed.Spec.Containers[0].Image = "docker.io/nginx:none"
	worker.Update(changed)
	status := w.until("waiting for the image", func(s corev1.PodStatus) bool {
		return len(s.ContainerStatuses) == 1 && s.ContainerStatuses[0].State.Waiting != nil && s.ContainerStatuses[0].State.Waiting.Reason == "ErrImagePull"
	})
	if ready(status) || status.ContainerStatuses[0].LastTerminationState.Terminated == nil {
		t.Errorf("status %+v", status)
	}
}

// A container is running after its postStart hook has ended, and the next one is started after that.
func TestAPostStartHookDelaysItsContainerAndTheNext(t *testing.T) {
	w := newWorld(t)
	c := script("c", "exec sleep 60")
	c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: "shared", MountPath: "/shared"})
	c.Lifecycle = &corev1.Lifecycle{PostStart: &corev1.LifecycleHandler{Exec: &corev1.ExecAction{
		Command: []string{"sh", "-c", "touch /shared/hook; until [ -e /shared/go ]; do sleep 0.02; done"},
	}}}
	next := script("next", "exec sleep 60")
	pod := newPod(corev1.RestartPolicyAlways, c, next)
	pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: "shared", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}})
	worker := w.start(pod)
	run := func(command ...string) bool {
		return worker.Exec(context.Background(), "c", command, containers.Streams{}) == nil
	}
	await(t, "the hook runs", func() bool { return run("test", "-e", "/shared/hook") })
	for _, s := range w.reported() {
		if running(0)(s) || s.Phase != corev1.PodPending {
			t.Errorf("while the hook runs: %+v", s)
		}
	}
	if running := worker.Running(); len(running) != 1 || running[0].Name != "c" {
		t.Errorf("while the hook of c runs, these containers run: %+v", running)
	}
	if !run("touch", "/shared/go") {
		t.Fatal("can't end the hook")
	}
	w.until("running and ready", func(s corev1.PodStatus) bool { return running(0)(s) && ready(s) })
}
