//go:build linux && privileged

package lifecycle

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/ptr"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/apiobjects"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/containers"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/imagepull"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/podstatus"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/sandbox"
	"github.com/ingress-testbed/testbed/clusters/embedded/container"
	"github.com/ingress-testbed/testbed/clusters/embedded/container/crilog"
	"github.com/ingress-testbed/testbed/clusters/embedded/image"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == container.InitArgument {
		container.Init()
	}
	os.Exit(m.Run())
}

// world is a node with an image "testbed.local/tools", with the tags dev and next, that holds accounts; its programs are
// the machine's own, which Pods mount. Pods use the node's network.
type world struct {
	t      *testing.T
	node   *Node
	events *record.FakeRecorder

	mu    sync.Mutex
	seen  []corev1.PodStatus
	awake chan struct{}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	ctx := context.Background()
	store, err := image.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Load(ctx, toolsImage(t)); err != nil {
		t.Fatal(err)
	}
	client := fake.NewClientset()
	state := t.TempDir()
	launcher := container.NewLauncher("")
	t.Cleanup(launcher.Close)
	log := slog.New(slog.DiscardHandler)
	w := &world{t: t, events: record.NewFakeRecorder(1000), awake: make(chan struct{}, 1)}
	w.node = &Node{
		Name: "node", HostIPs: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, DNS: DNS{Domain: "cluster.local", NodeFile: "/etc/resolv.conf"},
		PodDir: filepath.Join(state, "pods"), LogDir: t.TempDir(), LogLimits: crilog.DefaultLimits(), Launcher: launcher,
		Images:    imagepull.Node{Store: store, Remote: noRegistry{}},
		Sandboxes: sandbox.NewMaker(sandbox.NewNetwork(state, state, state), filepath.Join(state, "sandboxes"), log),
		Objects:   apiobjects.NewWatcher(client, func(apiobjects.Reference) {}),
		Services:  informers.NewSharedInformerFactory(client, 0).Core().V1().Services().Lister(),
		Client:    client, Events: w.events, Log: log,
	}
	return w
}

// noRegistry is a registry that can't be reached.
type noRegistry struct{}

func (noRegistry) Pull(context.Context, string, []authn.AuthConfig, func(done, total int64)) error {
	return errors.New("no registry")
}

func toolsImage(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	tw := tar.NewWriter(&b)
	accounts := "root:x:0:0:root:/root:/bin/sh\n"
	if err := tw.WriteHeader(&tar.Header{Name: "etc/passwd", Mode: 0o644, Size: int64(len(accounts))}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(tw, accounts); err != nil {
		t.Fatal(err)
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
	if err != nil {
		t.Fatal(err)
	}
	img, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		t.Fatal(err)
	}
	tags := map[name.Tag]v1.Image{}
	for _, version := range []string{"dev", "next"} {
		tag, err := name.NewTag("testbed.local/tools:" + version)
		if err != nil {
			t.Fatal(err)
		}
		tags[tag] = img
	}
	path := filepath.Join(t.TempDir(), "tools.tar")
	if err := tarball.MultiWriteToFile(path, tags); err != nil {
		t.Fatal(err)
	}
	return path
}

// script makes a container that runs a shell script.
func script(containerName, text string) corev1.Container {
	c := corev1.Container{
		Name: containerName, Image: "testbed.local/tools:dev", Command: []string{"sh", "-c", text}, TerminationMessagePath: "/dev/termination-log",
	}
	for _, dir := range []string{"usr", "lib", "lib64", "bin", "sbin"} {
		c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: dir, MountPath: "/" + dir, ReadOnly: true})
	}
	return c
}

func newPod(policy corev1.RestartPolicy, containers ...corev1.Container) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "shop", UID: "u-1"},
		Spec: corev1.PodSpec{
			HostNetwork: true, NodeName: "node", RestartPolicy: policy, Containers: containers, TerminationGracePeriodSeconds: ptr.To[int64](5),
		},
	}
	for _, dir := range []string{"usr", "lib", "lib64", "bin", "sbin"} {
		pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: dir, VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/" + dir}}})
	}
	return pod
}

func (w *world) start(pod *corev1.Pod) *Worker {
	w.t.Helper()
	worker := Start(context.Background(), w.node, pod, func(_ context.Context, pod *corev1.Pod) error {
		w.mu.Lock()
		w.seen = append(w.seen, pod.Status)
		w.mu.Unlock()
		wake(w.awake)
		return nil
	})
	w.t.Cleanup(func() {
		worker.Terminate(0)
		<-worker.Done()
		for _, dir := range []string{w.node.PodDir, filepath.Join(filepath.Dir(w.node.PodDir), "sandboxes")} {
			if left, err := os.ReadDir(dir); err == nil && len(left) > 0 {
				w.t.Errorf("left in %s: %v", dir, left)
			}
		}
	})
	return worker
}

// until waits for a reported status.
func (w *world) until(what string, is func(corev1.PodStatus) bool) corev1.PodStatus {
	w.t.Helper()
	limit := time.After(20 * time.Second)
	for {
		seen := w.reported()
		if i := slices.IndexFunc(seen, is); i >= 0 {
			return seen[i]
		}
		select {
		case <-w.awake:
		case <-limit:
			w.t.Fatalf("never %s; last status %+v", what, seen[len(seen)-1])
		}
	}
}

// reported returns all statuses that were reported.
func (w *world) reported() []corev1.PodStatus {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.seen)
}

func ready(s corev1.PodStatus) bool {
	c := podstatus.Condition(s, corev1.PodReady)
	return c != nil && c.Status == corev1.ConditionTrue
}

func phase(p corev1.PodPhase) func(corev1.PodStatus) bool {
	return func(s corev1.PodStatus) bool { return s.Phase == p }
}

// log reads a container's log without its format.
func (w *world) log(worker *Worker, containerName string) string {
	w.t.Helper()
	l, err := worker.Log(containerName, false)
	if err != nil {
		w.t.Fatal(err)
	}
	raw, err := os.ReadFile(l.Path)
	if err != nil {
		w.t.Fatal(err)
	}
	var text strings.Builder
	for line := range strings.Lines(string(raw)) {
		text.WriteString(strings.SplitN(line, " ", 4)[3])
	}
	return text.String()
}

func TestPodFromStartToEnd(t *testing.T) {
	w := newWorld(t)
	c := script("c", "trap 'echo stopping; exit 0' TERM; echo started; while :; do sleep 0.02; done")
	c.ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"true"}}}}
	c.Lifecycle = &corev1.Lifecycle{
		PostStart: &corev1.LifecycleHandler{Exec: &corev1.ExecAction{Command: []string{"sh", "-c", "echo after start > /proc/1/fd/1"}}},
		PreStop:   &corev1.LifecycleHandler{Exec: &corev1.ExecAction{Command: []string{"sh", "-c", "echo before stop > /proc/1/fd/1"}}},
	}
	began := time.Now()
	worker := w.start(newPod(corev1.RestartPolicyAlways, c))
	status := w.until("ready", ready)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("ready after %s", took)
	}
	if status.Phase != corev1.PodRunning || status.PodIP != "127.0.0.1" || status.ContainerStatuses[0].Image != "testbed.local/tools:dev" {
		t.Errorf("status %+v", status)
	}
	var out bytes.Buffer
	if err := worker.Exec(context.Background(), "c", []string{"hostname"}, containers.Streams{Out: &out}); err != nil || out.String() != "node\n" {
		t.Errorf("exec said %q, %v", out.String(), err)
	}
	if err := worker.Exec(context.Background(), "c", []string{"sh", "-c", "exit 7"}, containers.Streams{}); err == nil || !strings.Contains(err.Error(), "7") {
		t.Errorf("exec of a failing command: %v", err)
	}
	worker.Terminate(5 * time.Second)
	<-worker.Done()
	if s := worker.Status(); s.Phase != corev1.PodSucceeded || s.ContainerStatuses[0].State.Terminated == nil {
		t.Errorf("final status %+v", s)
	}
	got := w.log(worker, "c")
	for _, line := range []string{"started\n", "after start\n", "before stop\n", "stopping\n"} {
		if !strings.Contains(got, line) {
			t.Errorf("%q is missing in the log %q", line, got)
		}
	}
	if strings.Index(got, "before stop") > strings.Index(got, "stopping") {
		t.Errorf("the signal came before the hook: %q", got)
	}
}

func TestInitContainersRunInOrderBesideSidecars(t *testing.T) {
	w := newWorld(t)
	shared := corev1.VolumeMount{Name: "shared", MountPath: "/shared"}
	step := func(containerName, text string) corev1.Container {
		c := script(containerName, text)
		c.VolumeMounts = append(c.VolumeMounts, shared)
		return c
	}
	sidecar := step("side", "trap 'echo side >> /shared/order; cat /shared/order; exit 0' TERM; while :; do sleep 0.02; done")
	sidecar.RestartPolicy = ptr.To(corev1.ContainerRestartPolicyAlways)
	pod := newPod(corev1.RestartPolicyNever, step("main", "echo main >> /shared/order"))
	pod.Spec.InitContainers = []corev1.Container{step("first", "sleep 0.1; echo first >> /shared/order"), sidecar, step("second", "echo second >> /shared/order")}
	pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: "shared", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{Medium: corev1.StorageMediumMemory}}})
	worker := w.start(pod)
	w.until("succeeded", phase(corev1.PodSucceeded))
	<-worker.Done()
	if got, want := w.log(worker, "side"), "first\nsecond\nmain\nside\n"; got != want {
		t.Errorf("order %q, want %q", got, want)
	}
}

func TestFailuresAreRestartedAndToldOf(t *testing.T) {
	w := newWorld(t)
	worker := w.start(newPod(corev1.RestartPolicyAlways, script("c", "echo why > /dev/termination-log; exit 3")))
	status := w.until("backing off", func(s corev1.PodStatus) bool {
		return len(s.ContainerStatuses) == 1 && s.ContainerStatuses[0].State.Waiting != nil && s.ContainerStatuses[0].State.Waiting.Reason == "CrashLoopBackOff"
	})
	c := status.ContainerStatuses[0]
	last := c.LastTerminationState.Terminated
	if c.RestartCount != 1 || last == nil || last.ExitCode != 3 || last.Message != "why\n" || last.Reason != "Error" {
		t.Errorf("container %+v", c)
	}
	if status.Phase != corev1.PodRunning {
		t.Errorf("phase %s", status.Phase)
	}
	if _, err := worker.Log("c", true); err != nil {
		t.Errorf("the log of the previous run: %v", err)
	}
}

func TestLivenessRestartsAndTheImpatientAreKilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := script("c", "trap '' TERM; while :; do sleep 0.02; done")
	c.LivenessProbe = &corev1.Probe{
		ProbeHandler:  corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"false"}}},
		PeriodSeconds: 1, FailureThreshold: 1, TerminationGracePeriodSeconds: ptr.To[int64](1),
	}
	w.start(newPod(corev1.RestartPolicyAlways, c))
	status := w.until("restarted", func(s corev1.PodStatus) bool {
		return len(s.ContainerStatuses) == 1 && s.ContainerStatuses[0].RestartCount == 1 && s.ContainerStatuses[0].State.Running != nil
	})
	if last := status.ContainerStatuses[0].LastTerminationState.Terminated; last.ExitCode != 137 || last.Reason != "Error" {
		t.Errorf("last run %+v", last)
	}
}

func TestDeadlineFailsThePod(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pod := newPod(corev1.RestartPolicyNever, script("c", "exec sleep 60"))
	pod.Spec.ActiveDeadlineSeconds, pod.Spec.TerminationGracePeriodSeconds = ptr.To[int64](1), ptr.To[int64](0)
	w.start(pod)
	if s := w.until("failed", phase(corev1.PodFailed)); s.Reason != "DeadlineExceeded" {
		t.Errorf("reason %q", s.Reason)
	}
}

func TestWaitingReasons(t *testing.T) {
	missing, never, config := script("missing", ""), script("never", ""), script("config", "")
	missing.Image, never.Image, never.ImagePullPolicy = "nginx:1", "nginx:1", corev1.PullNever
	config.SecurityContext = &corev1.SecurityContext{RunAsNonRoot: ptr.To(true)}
	wrong := script("wrong", "")
	wrong.Image = "UPPER"
	w := newWorld(t)
	w.start(newPod(corev1.RestartPolicyAlways, missing, never, config, wrong))
	want := map[string]string{"missing": "ErrImagePull", "never": "ErrImageNeverPull", "config": "CreateContainerConfigError", "wrong": "InvalidImageName"}
	for containerName, reason := range want {
		w.until(containerName+" waiting for "+reason, func(s corev1.PodStatus) bool {
			return slices.ContainsFunc(s.ContainerStatuses, func(c corev1.ContainerStatus) bool {
				return c.Name == containerName && c.State.Waiting != nil && c.State.Waiting.Reason == reason && c.State.Waiting.Message != ""
			})
		})
	}
}
