//go:build privileged

package embedded_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ingress-testbed/testbed/clusters/embedded"
)

// TestSIGKILLEndsTheCluster kills each part without which a cluster is none. The cluster ends, says which part was the reason,
// and leaves nothing.
func TestSIGKILLEndsTheCluster(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir()) // where the reason is kept
	parts := map[string]string{             // and what the cluster says
		"supervisor": "", "test-network": "the test network", "node": "k3s-s ended after",
	}
	for _, name := range []string{
		"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "cloud-controller-manager", "kube-proxy",
	} {
		parts[name] = name
	}
	for part, said := range parts {
		t.Run(part, func(t *testing.T) { killPart(t, part, said) })
	}
}

func killPart(t *testing.T, part, said string) {
	if n := programsRunning(t); n > 0 {
		t.Fatalf("%d processes of another cluster run on this machine: end it with `testbed down` first", n)
	}
	before := hostNetwork(t)
	up := exec.Command(filepath.Join(binaries, "testbed"), "up", "--foreground", "--name", "test-kill", "--workers", "0", "--logs", t.TempDir())
	var output bytes.Buffer
	up.Stderr = &output
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- up.Wait() }()
	defer up.Process.Kill()
	running := awaitRunning(t, "test-kill", ended)
	pid := running.Supervisor
	if part != "supervisor" {
		pid = findProcess(t, func(arguments []string) bool { return len(arguments) > 1 && arguments[1] == part })
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-ended
	eventually(t, "all processes of the cluster end", func() bool { return programsRunning(t) == 0 })
	_, err := embedded.Find(t.Context(), "test-kill")
	if !errors.Is(err, embedded.ErrNotRunning) {
		t.Fatalf("the cluster is still known: %v", err)
	}
	if text := output.String(); said != "" && (!strings.Contains(text, said) || strings.Count(strings.TrimSpace(text), "\n") > 0) {
		t.Errorf("in the foreground, the cluster says %q and not in one sentence that %q ended", text, said)
	}
	if !strings.Contains(err.Error(), said) {
		t.Errorf("later commands say %q and not that %q ended", err, said)
	}
	down, err := exec.Command(filepath.Join(binaries, "testbed"), "down", "--name", "test-kill").CombinedOutput()
	if err != nil || !strings.Contains(string(down), said) {
		t.Errorf("down says %q (%v) and not that %q ended", down, err, said)
	}
	if after := hostNetwork(t); after != before {
		t.Errorf("something is left:\n%s\nbefore:\n%s", after, before)
	}
}

// TestKilledContainersAreRestarted kills the program of a Pod, and that of the cluster's DNS server. Both are started again.
func TestKilledContainersAreRestarted(t *testing.T) {
	s := newServices(t, "test-kill-containers")
	pod := echo("victim", "k3s-w1")
	pod.Spec.Containers[0].ReadinessProbe.HTTPGet.Port.IntVal = 8080
	if _, err := s.client.CoreV1().Pods(metav1.NamespaceDefault).Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, victim := range []struct{ namespace, selector, program string }{
		{metav1.NamespaceDefault, "app=victim", "backends"},
		{metav1.NamespaceSystem, "k8s-app=kube-dns", "coredns"},
	} {
		restarted := func(times int32) func() bool {
			return func() bool { return s.restarts(victim.namespace, victim.selector) == times }
		}
		eventually(t, victim.program+" is ready", restarted(0))
		pid := findProcess(t, func(arguments []string) bool { return filepath.Base(arguments[0]) == victim.program })
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, victim.program+" is ready again", restarted(1))
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

// findProcess returns the only process of this machine with such arguments.
func findProcess(t *testing.T, is func(arguments []string) bool) int {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []int
	for _, path := range lines {
		line, err := os.ReadFile(path)
		if err != nil || len(line) == 0 { // it has ended, or is the kernel's
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err == nil && is(strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00")) {
			found = append(found, pid)
		}
	}
	if len(found) != 1 {
		t.Fatalf("found the processes %v instead of one", slices.Sorted(slices.Values(found)))
	}
	return found[0]
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
