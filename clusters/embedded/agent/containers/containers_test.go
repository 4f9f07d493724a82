//go:build linux

package containers

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/ingress-testbed/testbed/clusters/embedded/container"
	"github.com/ingress-testbed/testbed/clusters/embedded/container/crilog"
)

func TestBackOff(t *testing.T) {
	var b backOff
	runs := []struct{ ran, want time.Duration }{
		{time.Second, 0}, {time.Second, 10 * time.Second}, {time.Second, 20 * time.Second}, {time.Minute, 40 * time.Second},
		{time.Second, 80 * time.Second}, {time.Second, 160 * time.Second}, {time.Second, 5 * time.Minute}, {time.Second, 5 * time.Minute},
		{10 * time.Minute, 0}, {time.Second, 10 * time.Second},
	}
	for i, r := range runs {
		if got := b.next(r.ran); got != r.want {
			t.Errorf("restart %d after %s waits %s, want %s", i+1, r.ran, got, r.want)
		}
	}
}

func TestShouldRestart(t *testing.T) {
	rule := func(op corev1.ContainerRestartRuleOnExitCodesOperator, codes ...int32) []corev1.ContainerRestartRule {
		return []corev1.ContainerRestartRule{{Action: corev1.ContainerRestartRuleActionRestart, ExitCodes: &corev1.ContainerRestartRuleOnExitCodes{Operator: op, Values: codes}}}
	}
	const always, never, onFailure = corev1.RestartPolicyAlways, corev1.RestartPolicyNever, corev1.RestartPolicyOnFailure
	cases := []struct {
		name   string
		policy corev1.RestartPolicy
		c      corev1.Container
		role   role
		code   int32
		want   bool
	}{
		{"always", always, corev1.Container{}, roleMain, 0, true},
		{"never", never, corev1.Container{}, roleMain, 1, false},
		{"on failure, failed", onFailure, corev1.Container{}, roleMain, 1, true},
		{"on failure, succeeded", onFailure, corev1.Container{}, roleMain, 0, false},
		{"init succeeded", always, corev1.Container{}, roleInit, 0, false},
		{"init failed", always, corev1.Container{}, roleInit, 1, true},
		{"init failed for good", never, corev1.Container{}, roleInit, 1, false},
		{"sidecar", never, corev1.Container{}, roleSidecar, 0, true},
		{"ephemeral", always, corev1.Container{}, roleEphemeral, 1, false},
		{"own policy", always, corev1.Container{RestartPolicy: ptr.To(corev1.ContainerRestartPolicyNever)}, roleMain, 1, false},
		{"own rule", never, corev1.Container{RestartPolicyRules: rule(corev1.ContainerRestartRuleOnExitCodesOpIn, 42)}, roleMain, 42, true},
		{"own rule for another code", never, corev1.Container{RestartPolicyRules: rule(corev1.ContainerRestartRuleOnExitCodesOpIn, 42)}, roleMain, 1, false},
		{"own rule, not in", never, corev1.Container{RestartPolicyRules: rule(corev1.ContainerRestartRuleOnExitCodesOpNotIn, 42)}, roleMain, 1, true},
	}
	for _, c := range cases {
		pod := &corev1.Pod{Spec: corev1.PodSpec{RestartPolicy: c.policy}}
		if got := shouldRestart(pod, &c.c, c.role, c.code); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestTerminationMessage(t *testing.T) {
	dir := t.TempDir()
	file, log := filepath.Join(dir, "message"), filepath.Join(dir, "log")
	l, err := crilog.Open(log, crilog.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Copy(crilog.Stdout, strings.NewReader(strings.Repeat("early\n", 200)+"the end\n"), nil); err != nil {
		t.Fatal(err)
	}
	fallback := &corev1.Container{TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError}
	failed := container.Exit{Code: 1}
	if got := terminationMessage(&corev1.Container{}, file, log, failed); got != "" {
		t.Errorf("without a file: %q", got)
	}
	if got := terminationMessage(fallback, file, log, failed); !strings.HasSuffix(got, "early\nthe end\n") || strings.Count(got, "\n") != maxFallbackLines {
		t.Errorf("from the log: %q", got)
	}
	if got := terminationMessage(fallback, file, log, container.Exit{}); got != "" {
		t.Errorf("of a success: %q", got)
	}
	if err := l.Copy(crilog.Stdout, strings.NewReader("without newline"), nil); err != nil {
		t.Fatal(err)
	}
	if got := terminationMessage(fallback, file, log, failed); !strings.HasSuffix(got, "the end\nwithout newline") {
		t.Errorf("from a log without a newline at its end: %q", got)
	}
	if err := os.WriteFile(file, []byte(strings.Repeat("x", 5000)+"\xff"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := terminationMessage(fallback, file, log, failed); got != strings.Repeat("x", maxMessageBytes) {
		t.Errorf("from the file: %d bytes", len(got))
	}
}

func TestRestartGrace(t *testing.T) {
	pod := &corev1.Pod{Spec: corev1.PodSpec{TerminationGracePeriodSeconds: ptr.To[int64](60)}}
	own := &corev1.Probe{TerminationGracePeriodSeconds: ptr.To[int64](2)}
	cases := []struct {
		name   string
		failed *corev1.Probe
		want   time.Duration
	}{{"no probe", nil, time.Minute}, {"probe without one", &corev1.Probe{}, time.Minute}, {"probe with one", own, 2 * time.Second}}
	for _, c := range cases {
		if got := restartGrace(pod, c.failed); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	pod.DeletionGracePeriodSeconds = ptr.To[int64](5)
	if got := restartGrace(pod, own); got != 5*time.Second {
		t.Errorf("of a Pod that is being deleted: %s", got)
	}
}

func TestPriorStatus(t *testing.T) {
	status := corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{
		{Name: "a", ContainerID: "x", RestartCount: 3, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}, {Name: "b"},
	}}
	prior := priorStatus(status, "a")
	if prior == nil || prior.RestartCount != 3 {
		t.Errorf("a container that ran before: %+v", prior)
	}
	if priorStatus(status, "b") != nil || priorStatus(status, "c") != nil {
		t.Error("containers that never ran have no past")
	}
}
