package podstatus

import (
	"net/netip"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

func running(ready bool) Container {
	return Container{Started: true, Ready: ready, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}
}

func ended(code int32) Container {
	return Container{State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code}}}
}

func backingOff(code int32) Container {
	return Container{
		State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}},
		Last:  corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code}},
	}
}

func waiting() Container {
	return Container{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull"}}}
}

// pod has main containers a and b and, with init, an init container i and a sidecar s.
func pod(policy corev1.RestartPolicy, initial bool) *corev1.Pod {
	p := &corev1.Pod{Spec: corev1.PodSpec{RestartPolicy: policy, Containers: []corev1.Container{{Name: "a"}, {Name: "b"}}}}
	if initial {
		p.Spec.InitContainers = []corev1.Container{{Name: "i"}, {Name: "s", RestartPolicy: ptr.To(corev1.ContainerRestartPolicyAlways)}}
	}
	return p
}

func TestPhase(t *testing.T) {
	always, never, onFailure := corev1.RestartPolicyAlways, corev1.RestartPolicyNever, corev1.RestartPolicyOnFailure
	type containers = map[string]Container
	cases := []struct {
		name       string
		policy     corev1.RestartPolicy
		initial    bool
		containers containers
		want       corev1.PodPhase
	}{
		{"nothing has begun", always, false, nil, corev1.PodPending},
		{"one still waits for its image", always, false, containers{"a": running(true), "b": waiting()}, corev1.PodPending},
		{"all run", always, false, containers{"a": running(true), "b": running(false)}, corev1.PodRunning},
		{"one is backing off", always, false, containers{"a": running(true), "b": backingOff(1)}, corev1.PodRunning},
		{"all are backing off", always, false, containers{"a": backingOff(0), "b": backingOff(1)}, corev1.PodRunning},
		{"all ended, to be restarted", always, false, containers{"a": ended(0), "b": ended(0)}, corev1.PodRunning},
		{"never: one still runs", never, false, containers{"a": running(true), "b": ended(1)}, corev1.PodRunning},
		{"never: all succeeded", never, false, containers{"a": ended(0), "b": ended(0)}, corev1.PodSucceeded},
		{"never: one failed", never, false, containers{"a": ended(0), "b": ended(1)}, corev1.PodFailed},
		{"on failure: all succeeded", onFailure, false, containers{"a": ended(0), "b": ended(0)}, corev1.PodSucceeded},
		{"on failure: one failed", onFailure, false, containers{"a": ended(0), "b": ended(1)}, corev1.PodRunning},
		{"on failure: one backs off", onFailure, false, containers{"a": ended(0), "b": backingOff(1)}, corev1.PodRunning},
		{"init runs", always, true, containers{"i": running(false)}, corev1.PodPending},
		{"init failed, to be restarted", always, true, containers{"i": ended(1)}, corev1.PodPending},
		{"init failed for good", never, true, containers{"i": ended(1)}, corev1.PodFailed},
		{"init done, sidecar not up", always, true, containers{"i": ended(0), "s": {State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}, corev1.PodPending},
		{"sidecar up, main waits", always, true, containers{"i": ended(0), "s": running(true)}, corev1.PodPending},
		{"all up", always, true, containers{"i": ended(0), "s": running(true), "a": running(true), "b": running(true)}, corev1.PodRunning},
		{"sidecar restarts under running containers", always, true, containers{"i": ended(0), "s": backingOff(1), "a": running(true), "b": running(true)}, corev1.PodRunning},
		{"done beside a sidecar", never, true, containers{"i": ended(0), "s": running(true), "a": ended(0), "b": ended(0)}, corev1.PodSucceeded},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := Compute(State{Pod: pod(c.policy, c.initial), Containers: c.containers}, time.Now())
			if got.Phase != c.want {
				t.Errorf("phase %s, want %s", got.Phase, c.want)
			}
		})
	}
}

func TestEndedPods(t *testing.T) {
	cases := []struct {
		name  string
		state State
		want  corev1.PodPhase
	}{
		{"deleted, all ended well", State{Terminal: true, Containers: map[string]Container{"a": ended(0), "b": ended(0)}}, corev1.PodSucceeded},
		{"deleted, one was killed", State{Terminal: true, Containers: map[string]Container{"a": ended(0), "b": ended(137)}}, corev1.PodFailed},
		{"deleted before it began", State{Terminal: true}, corev1.PodFailed},
		{"given up", State{Failed: true, Reason: "DeadlineExceeded", Containers: map[string]Container{"a": running(true), "b": running(true)}}, corev1.PodFailed},
		{"a final phase stays", State{Previous: corev1.PodStatus{Phase: corev1.PodFailed}, Containers: map[string]Container{"a": running(true), "b": running(true)}}, corev1.PodFailed},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.state.Pod = pod(corev1.RestartPolicyAlways, false)
			got := Compute(c.state, time.Now())
			if got.Phase != c.want || got.Reason != c.state.Reason {
				t.Errorf("phase %s (%s), want %s", got.Phase, got.Reason, c.want)
			}
		})
	}
}

func TestConditions(t *testing.T) {
	const yes, no = corev1.ConditionTrue, corev1.ConditionFalse
	gate := corev1.PodConditionType("example.com/gate")
	cases := []struct {
		name        string
		state       State
		initialized corev1.ConditionStatus
		containers  corev1.ConditionStatus
		ready       corev1.ConditionStatus
		reason      string // of Ready
		message     string
	}{
		{"at the start", State{Pod: pod("Always", true)}, no, no, no, "ContainersNotReady", "containers with unready status: [s a b]"},
		{"no init containers", State{Pod: pod("Always", false)}, yes, no, no, "ContainersNotReady", "containers with unready status: [a b]"},
		{"ready", State{Pod: pod("Always", false), Containers: map[string]Container{"a": running(true), "b": running(true)}}, yes, yes, yes, "", ""},
		{"one isn't", State{Pod: pod("Always", false), Containers: map[string]Container{"a": running(true), "b": running(false)}}, yes, no, no, "ContainersNotReady", "containers with unready status: [b]"},
		{"a sidecar counts", State{Pod: pod("Always", true), Containers: map[string]Container{"i": ended(0), "s": running(false), "a": running(true), "b": running(true)}}, yes, no, no, "ContainersNotReady", "containers with unready status: [s]"},
		{"done", State{Pod: pod("Never", false), Containers: map[string]Container{"a": ended(0), "b": ended(0)}}, yes, no, no, "PodCompleted", ""},
		{"failed", State{Pod: pod("Never", false), Containers: map[string]Container{"a": ended(0), "b": ended(1)}}, yes, no, no, "PodFailed", ""},
		{"readiness gate missing", State{Pod: gated(gate), Containers: map[string]Container{"a": running(true), "b": running(true)}}, yes, yes, no, "ReadinessGatesNotReady", `corresponding condition of pod readiness gate "example.com/gate" does not exist.`},
		{"readiness gate closed", State{Pod: withStatus(gated(gate), with(gate, no)), Containers: map[string]Container{"a": running(true), "b": running(true)}}, yes, yes, no, "ReadinessGatesNotReady", `the status of pod readiness gate "example.com/gate" is not "True", but False`},
		{"readiness gate open", State{Pod: withStatus(gated(gate), with(gate, yes)), Containers: map[string]Container{"a": running(true), "b": running(true)}}, yes, yes, yes, "", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := Compute(c.state, time.Now())
			for kind, want := range map[corev1.PodConditionType]corev1.ConditionStatus{
				corev1.PodInitialized: c.initialized, corev1.ContainersReady: c.containers, corev1.PodReady: c.ready, corev1.PodScheduled: yes,
			} {
				if have := Condition(got, kind); have == nil || have.Status != want {
					t.Errorf("%s is %+v, want %s", kind, have, want)
				}
			}
			if r := Condition(got, corev1.PodReady); r.Reason != c.reason || r.Message != c.message {
				t.Errorf("Ready: %q, %q; want %q, %q", r.Reason, r.Message, c.reason, c.message)
			}
		})
	}
}

func gated(gate corev1.PodConditionType) *corev1.Pod {
	p := pod("Always", false)
	p.Spec.ReadinessGates = []corev1.PodReadinessGate{{ConditionType: gate}}
	return p
}

func withStatus(p *corev1.Pod, status corev1.PodStatus) *corev1.Pod {
	p.Status = status
	return p
}

func with(kind corev1.PodConditionType, status corev1.ConditionStatus) corev1.PodStatus {
	return corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: kind, Status: status}}}
}

func TestTransitionTimesAndOthersConditions(t *testing.T) {
	long := metav1.NewTime(time.Date(2024, 10, 12, 0, 0, 0, 0, time.UTC))
	now := time.Date(2024, 10, 12, 1, 0, 0, 0, time.UTC)
	previous := corev1.PodStatus{Conditions: []corev1.PodCondition{
		{Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: long},
		{Type: corev1.PodReady, Status: corev1.ConditionFalse, LastTransitionTime: long},
	}}
	theirs := corev1.PodStatus{Conditions: []corev1.PodCondition{
		{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, LastTransitionTime: long, Message: "theirs"},
	}}
	got := Compute(State{Pod: withStatus(pod("Always", false), theirs), Previous: previous, Containers: map[string]Container{"a": running(true), "b": running(true)}}, now)
	if c := Condition(got, corev1.PodScheduled); !c.LastTransitionTime.Equal(&long) {
		t.Errorf("an unchanged condition has a new time %s", c.LastTransitionTime)
	}
	if c := Condition(got, corev1.PodReady); !c.LastTransitionTime.Time.Equal(now) {
		t.Errorf("a changed condition has the old time %s", c.LastTransitionTime)
	}
	got.Conditions = Merge(got.Conditions, theirs.Conditions)
	if c := Condition(got, corev1.DisruptionTarget); c == nil || c.Message != "theirs" {
		t.Errorf("somebody else's condition is now %+v", c)
	}
}

func TestAddressesAndContainers(t *testing.T) {
	p := pod("Always", true)
	p.Spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "debug", Image: "tools"}}}
	host, own := netip.MustParseAddr("192.168.10.101"), netip.MustParseAddr("172.16.1.3")
	got := Compute(State{Pod: p, HostIPs: []netip.Addr{host}, PodIPs: []netip.Addr{own}, Sandbox: true, Containers: map[string]Container{
		"a": {ID: "id", ImageName: "docker.io/library/web:1", ImageID: "sha256:1", Restarts: 2, Ready: true, Started: true, State: running(true).State},
	}}, time.Now())
	if got.HostIP != "192.168.10.101" || got.PodIP != "172.16.1.3" || len(got.PodIPs) != 1 || len(got.HostIPs) != 1 {
		t.Errorf("addresses %s, %s", got.HostIP, got.PodIP)
	}
	a := got.ContainerStatuses[0]
	if a.ContainerID != "id" || a.Image != "docker.io/library/web:1" || a.RestartCount != 2 || !a.Ready || !*a.Started {
		t.Errorf("container %+v", a)
	}
	if r := got.ContainerStatuses[1].State.Waiting.Reason; r != ReasonInitializing {
		t.Errorf("a container behind init containers waits for %q", r)
	}
	if len(got.EphemeralContainerStatuses) != 1 || got.EphemeralContainerStatuses[0].Ready {
		t.Errorf("ephemeral containers %+v", got.EphemeralContainerStatuses)
	}
	p.Spec.HostNetwork = true
	if got := Compute(State{Pod: p, HostIPs: []netip.Addr{host}}.Apply(SandboxCreated{}), time.Now()); got.PodIP != "192.168.10.101" {
		t.Errorf("a Pod on the node's network has address %q", got.PodIP)
	}
}
