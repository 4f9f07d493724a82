package podstatus

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestContainerOverARestart(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := State{Pod: pod("Always", false)}.Apply(Added{Container: "a"})
	if got := s.Containers["a"].State.Waiting; got == nil || got.Reason != ReasonCreating {
		t.Errorf("added: %+v", s.Containers["a"])
	}
	s = s.Apply(Running{Container: "a", At: at}).Apply(Started{Container: "a"}).Apply(Ready{"a", true})
	if c := s.Containers["a"]; !c.Ready || !c.Started || !c.State.Running.StartedAt.Time.Equal(at) {
		t.Errorf("ready: %+v", c)
	}
	before := s
	s = s.Apply(Terminated{Container: "a", State: corev1.ContainerStateTerminated{ExitCode: 3}})
	if c := s.Containers["a"]; c.Ready || c.Started || c.State.Terminated.ExitCode != 3 || c.Last.Terminated != nil {
		t.Errorf("terminated: %+v", c)
	}
	if c := before.Containers["a"]; !c.Ready || c.State.Running == nil {
		t.Errorf("an event changed the state that it was applied to: %+v", c)
	}
	s = s.Apply(BackedOff{Container: "a", Message: "later", Last: *s.Containers["a"].State.Terminated})
	if c := s.Containers["a"]; c.State.Waiting.Message != "later" || c.Last.Terminated.ExitCode != 3 {
		t.Errorf("backed off: %+v", c)
	}
	s = s.Apply(Running{Container: "a", Restarts: 1, At: at})
	if c := s.Containers["a"]; c.Restarts != 1 || c.Last.Terminated.ExitCode != 3 || c.Ready {
		t.Errorf("restarted: %+v", c)
	}
	// A restart without back-off moves the end of the run before to Last.
	s = s.Apply(Terminated{Container: "a", Restarts: 1, State: corev1.ContainerStateTerminated{ExitCode: 4}}).
		Apply(Waiting{Container: "a", Reason: "ErrImagePull"})
	if c := s.Containers["a"]; c.Last.Terminated.ExitCode != 4 || c.State.Waiting.Reason != "ErrImagePull" {
		t.Errorf("waiting: %+v", c)
	}
}

func TestContainerOfAnEarlierAgent(t *testing.T) {
	for name, c := range map[string]struct {
		prior corev1.ContainerStatus
		code  int32
	}{
		"running": {corev1.ContainerStatus{RestartCount: 2, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}, KilledExitCode},
		"ended":   {corev1.ContainerStatus{RestartCount: 2, State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 5}}}, 5},
		"waiting": {corev1.ContainerStatus{RestartCount: 2, LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 6}}}, 6},
	} {
		got := State{Pod: pod("Always", false)}.Apply(Added{Container: "a", Prior: &c.prior}).Containers["a"]
		if got.Restarts != 3 || got.Last.Terminated == nil || got.Last.Terminated.ExitCode != c.code {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestFirstFailureIsKept(t *testing.T) {
	s := State{Pod: pod("Always", false)}.Apply(Failed{"DeadlineExceeded", "too long"}).Apply(Failed{"NodeError", "no disk"})
	if got := Compute(s, time.Now()); got.Phase != corev1.PodFailed || got.Reason != "DeadlineExceeded" || got.Message != "too long" {
		t.Errorf("%+v", got)
	}
}

func TestSandboxGoesBeforeTheEnd(t *testing.T) {
	own := []netip.Addr{netip.MustParseAddr("172.16.1.3")}
	s := State{Pod: pod("Never", false)}.Apply(SandboxCreated{IPs: own})
	if c := Condition(Compute(s, time.Now()), corev1.PodReadyToStartContainers); c.Status != corev1.ConditionTrue {
		t.Errorf("with a sandbox: %+v", c)
	}
	s = s.Apply(Computed{Compute(s, time.Now())}).Apply(SandboxRemoved{}).Apply(Ended{})
	got := Compute(s, time.Now())
	if c := Condition(got, corev1.PodReadyToStartContainers); c.Status != corev1.ConditionFalse || got.Phase != corev1.PodFailed {
		t.Errorf("at the end: phase %s, %+v", got.Phase, c)
	}
	if got.PodIP != "172.16.1.3" || len(got.PodIPs) != 1 {
		t.Errorf("a Pod that has ended has lost its address: %q", got.PodIP)
	}
}

func TestReasonBeforeTheFirstStart(t *testing.T) {
	p := pod("Always", false)
	reasons := func() (list []string) {
		s := State{Pod: p}.Apply(Added{Container: "a"})
		for _, c := range Compute(s, time.Now()).ContainerStatuses {
			list = append(list, c.State.Waiting.Reason)
		}
		return list
	}
	if got := reasons(); !slices.Equal(got, []string{ReasonCreating, ReasonCreating}) {
		t.Errorf("without init containers: %v", got)
	}
	p.Spec.InitContainers = []corev1.Container{{Name: "init"}}
	if got := reasons(); !slices.Equal(got, []string{ReasonInitializing, ReasonInitializing}) {
		t.Errorf("with an init container: %v", got)
	}
}

// Conditions of others come from the API, also if they change after a status was computed.
func TestConditionsOfOthers(t *testing.T) {
	gate := corev1.PodConditionType("example.com/gate")
	s := State{Pod: gated(gate), Containers: map[string]Container{"a": running(true), "b": running(true)}}
	s = s.Apply(Computed{Compute(s, time.Now())})
	updated := gated(gate)
	updated.Status = with(gate, corev1.ConditionTrue)
	updated.Status.Conditions = append(updated.Status.Conditions,
		corev1.PodCondition{Type: corev1.PodReady, Status: corev1.ConditionFalse, LastTransitionTime: metav1.Now()})
	got := Compute(s.Apply(PodUpdated{updated}), time.Now())
	if c := Condition(got, corev1.PodReady); c.Status != corev1.ConditionTrue {
		t.Errorf("with an open gate: %+v", c)
	}
	got.Conditions = Merge(got.Conditions, updated.Status.Conditions)
	if c := Condition(got, gate); c == nil || c.Status != corev1.ConditionTrue {
		t.Errorf("the gate's condition is %+v", c)
	}
	if c := Condition(got, corev1.PodReady); c.Status != corev1.ConditionTrue {
		t.Errorf("the API's condition replaced the node's: %+v", c)
	}
}
