//go:build privileged

package embedded_test

import (
	"bytes"
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ingress-testbed/testbed/clusters/embedded"
)

// TestSIGKILLEndsTheCluster kills each part without which a cluster is none, of a cluster for each. The cluster ends, says which part
// was the reason, and leaves nothing.
func TestSIGKILLEndsTheCluster(t *testing.T) {
	t.Parallel()
	parts := map[string]string{ // and what the cluster says, which the names of the clusters don't contain
		"supervisor": "", "test-network": "the test network", "node": "k3s-s ended after", "kube-proxy": "kube-proxy-k3s-s ended after",
	}
	for _, name := range []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "cloud-controller-manager"} {
		parts[name] = name + " ended after"
	}
	for part, said := range parts {
		t.Run(part, func(t *testing.T) {
			t.Parallel()
			killPart(t, part, said)
		})
	}
}

func killPart(t *testing.T, part, said string) {
	name := "test-kill-" + part
	up := exec.Command(filepath.Join(binaries, "testbed"), "up", "--foreground", "--name", name, "--workers", "0", "--logs", t.TempDir())
	var output bytes.Buffer
	up.Stderr = &output
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- up.Wait() }()
	defer up.Process.Kill()
	running := awaitRunning(t, name, ended)
	all := processTree(t, running.Supervisor)
	pid := running.Supervisor
	if part != "supervisor" {
		pid = all.find(t, func(arguments []string) bool { return len(arguments) > 1 && arguments[1] == part })
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Fatalf("the cluster goes on without %s", part)
	}
	eventually(t, "all processes of the cluster end", func() bool { return !all.anyRuns() })
	_, err := embedded.Find(t.Context(), name)
	if !errors.Is(err, embedded.ErrNotRunning) {
		t.Fatalf("the cluster is still known: %v", err)
	}
	if said == "" && strings.Contains(err.Error(), "it ended at") {
		t.Errorf("a supervisor that was killed can't have kept a reason, but later commands say %q", err)
	}
	if text := output.String(); said != "" && (!strings.Contains(text, said) || strings.Count(strings.TrimSpace(text), "\n") > 0) {
		t.Errorf("in the foreground, the cluster says %q and not in one sentence %q", text, said)
	}
	if !strings.Contains(err.Error(), said) {
		t.Errorf("later commands say %q and not %q", err, said)
	}
	down, err := exec.Command(filepath.Join(binaries, "testbed"), "down", "--name", name).CombinedOutput()
	if err != nil || !strings.Contains(string(down), said) {
		t.Errorf("down says %q (%v) and not %q", down, err, said)
	}
}

// testKilledContainers kills the program of a Pod, and that of the cluster's DNS server. Both are started again.
func testKilledContainers(s services) {
	pod := echo("victim", "k3s-w1")
	pod.Spec.Containers[0].ReadinessProbe.HTTPGet.Port.IntVal = 8080
	const argument = "--server-version=victim" // by which its process differs from those of other Pods
	pod.Spec.Containers[0].Args = []string{"echo", argument}
	if _, err := s.client.CoreV1().Pods(metav1.NamespaceDefault).Create(s.Context(), pod, metav1.CreateOptions{}); err != nil {
		s.Fatal(err)
	}
	for _, victim := range []struct{ namespace, selector, argument string }{
		{metav1.NamespaceDefault, "app=victim", argument},
		{metav1.NamespaceSystem, "k8s-app=kube-dns", "/coredns"},
	} {
		restarted := func(times int32) func() bool {
			return func() bool { return s.restarts(victim.namespace, victim.selector) == times }
		}
		eventually(s.T, "the Pod with "+victim.argument+" is ready", restarted(0))
		pid := processTree(s.T, s.cluster.PID()).find(s.T, func(arguments []string) bool { return slices.Contains(arguments, victim.argument) })
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			s.Fatal(err)
		}
		eventually(s.T, "the Pod with "+victim.argument+" is ready again", restarted(1))
	}
}

// restarts returns how often the container of the only Pod was restarted, or -1 if the Pod isn't ready.
func (s services) restarts(namespace, selector string) int32 {
	s.Helper()
	pods, err := s.client.CoreV1().Pods(namespace).List(s.Context(), metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		s.Fatal(err)
	}
	if len(pods.Items) != 1 || !ready(pods.Items[0].Status) {
		return -1
	}
	return pods.Items[0].Status.ContainerStatuses[0].RestartCount
}

// awaitRunning waits until a cluster that is starting runs.
func awaitRunning(t *testing.T, name string, ended <-chan error) embedded.Running {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline); {
		select {
		case err := <-ended:
			t.Fatalf("the cluster did not start: %v", err)
		case <-tick.C:
		}
		if running, err := embedded.Find(t.Context(), name); err == nil {
			return running
		}
	}
	t.Fatal("timed out until the cluster runs")
	return embedded.Running{}
}
