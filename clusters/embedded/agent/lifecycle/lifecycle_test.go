package lifecycle

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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

func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeadline()
		if d.isSet() {
			t.Error("set before anybody set it")
		}
		began := time.Now()
		d.bring(began.Add(30 * time.Second))
		d.bring(began.Add(time.Hour)) // later: nothing changes
		go func() {
			time.Sleep(5 * time.Second)
			d.bring(began.Add(10 * time.Second))
		}()
		if d.waitFor(make(chan struct{})) || time.Since(began) != 10*time.Second {
			t.Errorf("passed after %s, want 10s", time.Since(began))
		}
		done := make(chan struct{})
		close(done)
		d = newDeadline()
		d.bring(time.Now().Add(time.Hour))
		if !d.waitFor(done) {
			t.Error("what is done is not seen")
		}
	})
}

func TestResolvConf(t *testing.T) {
	const node = "# comment\nnameserver 8.8.8.8\nsearch example.com\noptions edns0\nbroken\n"
	dns := DNS{Server: netip.MustParseAddr("10.10.200.10"), Domain: "cluster.local"}
	const cluster = "search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.10.200.10\noptions ndots:5\n"
	const own = "search example.com\nnameserver 8.8.8.8\noptions edns0\n"
	config := &corev1.PodDNSConfig{
		Nameservers: []string{"1.1.1.1", "10.10.200.10"}, Searches: []string{"more.example"},
		Options: []corev1.PodDNSConfigOption{{Name: "ndots", Value: ptr.To("2")}, {Name: "rotate"}},
	}
	cases := []struct {
		name string
		dns  DNS
		spec corev1.PodSpec
		want string
	}{
		{"cluster first", dns, corev1.PodSpec{DNSPolicy: corev1.DNSClusterFirst}, cluster},
		{"no policy", dns, corev1.PodSpec{}, cluster},
		{"no cluster DNS", DNS{Domain: "cluster.local"}, corev1.PodSpec{DNSPolicy: corev1.DNSClusterFirst}, own},
		{"on the node's network", dns, corev1.PodSpec{DNSPolicy: corev1.DNSClusterFirst, HostNetwork: true}, own},
		{"on the node's network, cluster first all the same", dns, corev1.PodSpec{DNSPolicy: corev1.DNSClusterFirstWithHostNet, HostNetwork: true}, cluster},
		{"default", dns, corev1.PodSpec{DNSPolicy: corev1.DNSDefault}, own},
		{"none", dns, corev1.PodSpec{DNSPolicy: corev1.DNSNone, DNSConfig: &corev1.PodDNSConfig{Nameservers: []string{"9.9.9.9"}}}, "nameserver 9.9.9.9\n"},
		{"more", dns, corev1.PodSpec{DNSPolicy: corev1.DNSClusterFirst, DNSConfig: config}, "search shop.svc.cluster.local svc.cluster.local cluster.local more.example\nnameserver 10.10.200.10\nnameserver 1.1.1.1\noptions ndots:2 rotate\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop"}, Spec: c.spec}
			if got := c.dns.resolvConf(pod, node); got != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
		})
	}
}

func TestHosts(t *testing.T) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web-1", Namespace: "shop"}, Spec: corev1.PodSpec{
		Subdomain: "web", HostAliases: []corev1.HostAlias{{IP: "10.0.0.1", Hostnames: []string{"a", "b"}}},
	}}
	got := hosts(pod, []netip.Addr{netip.MustParseAddr("172.16.1.3")}, "cluster.local", "node's\n")
	for _, line := range []string{"127.0.0.1\tlocalhost\n", "172.16.1.3\tweb-1.web.shop.svc.cluster.local\tweb-1\n", "10.0.0.1\ta\tb\n"} {
		if !strings.Contains(got, line) {
			t.Errorf("%q is missing in\n%s", line, got)
		}
	}
	pod.Spec.HostNetwork = true
	if got := hosts(pod, nil, "cluster.local", "node's\n"); !strings.HasPrefix(got, "node's\n") || strings.Contains(got, "web-1") {
		t.Errorf("on the node's network:\n%s", got)
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
	if got := terminationMessage(fallback, file, log, failed); !strings.HasSuffix(got, "early\nthe end\n") || strings.Count(got, "\n") != mostFallbackLines {
		t.Errorf("from the log: %q", got)
	}
	if got := terminationMessage(fallback, file, log, container.Exit{}); got != "" {
		t.Errorf("of a success: %q", got)
	}
	if err := os.WriteFile(file, []byte(strings.Repeat("x", 5000)+"\xff"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := terminationMessage(fallback, file, log, failed); got != strings.Repeat("x", mostMessageBytes) {
		t.Errorf("from the file: %d bytes", len(got))
	}
}

func TestPriorStatus(t *testing.T) {
	status := corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{
		{Name: "a", ContainerID: "x", RestartCount: 3, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}, {Name: "b"},
	}}
	prior := priorStatus(status, "a")
	if prior == nil || prior.RestartCount != 3 || lastOf(prior).Terminated.ExitCode != killedExitCode {
		t.Errorf("a container that ran before: %+v", prior)
	}
	if priorStatus(status, "b") != nil || priorStatus(status, "c") != nil {
		t.Error("containers that never ran have no past")
	}
}

func TestHostPorts(t *testing.T) {
	pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Ports: []corev1.ContainerPort{{ContainerPort: 80}, {ContainerPort: 53, HostPort: 5353, Protocol: "UDP"}}}}}}
	if got := hostPorts(pod); len(got) != 1 || got[0].HostPort != 5353 || got[0].Protocol != "UDP" {
		t.Errorf("%+v", got)
	}
	pod.Spec.HostNetwork = true
	if got := hostPorts(pod); got != nil {
		t.Errorf("on the node's network: %+v", got)
	}
}
