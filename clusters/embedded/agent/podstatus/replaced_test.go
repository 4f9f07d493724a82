package podstatus

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// A container that the node ends to start it again is shown as it was until its next run, as by the kubelet.
func TestReplacedContainerStaysReady(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := State{Pod: pod("Always", false)}
	for _, name := range []string{"a", "b"} {
		s = s.Apply(Added{Container: name}).Apply(Identified{name, "id-1", "image:1", "sha256:1"}).
			Apply(Running{Container: name, At: at, Started: true, Ready: true})
	}
	before := Compute(s, at)
	if c := Condition(before, corev1.PodReady); c.Status != corev1.ConditionTrue {
		t.Fatalf("with two running containers: %+v", c)
	}
	ended := s.Apply(Terminated{Container: "a", State: corev1.ContainerStateTerminated{ExitCode: 2}, Replaced: true})
	unchanged := map[string]State{
		"ended":            ended,
		"the image pulled": ended.Apply(Waiting{Container: "a", Reason: ReasonCreating, Message: "pulling"}),
		"the next created": ended.Apply(Identified{"a", "id-2", "image:2", "sha256:2"}),
	}
	for name, s := range unchanged {
		got := Compute(s, at)
		if c := Condition(got, corev1.PodReady); c.Status != corev1.ConditionTrue || got.Phase != corev1.PodRunning {
			t.Errorf("%s: phase %s, %+v", name, got.Phase, c)
		}
		if c := got.ContainerStatuses[0]; c.State.Running == nil || c.ContainerID != "id-1" || c.RestartCount != 0 || !*c.Started {
			t.Errorf("%s: %+v", name, c)
		}
	}
	next := unchanged["the next created"].Apply(Running{Container: "a", Restarts: 1, At: at, Started: true})
	c := Compute(next, at).ContainerStatuses[0]
	if c.State.Running == nil || c.Ready || c.ContainerID != "id-2" || c.Image != "image:2" || c.RestartCount != 1 || c.LastTerminationState.Terminated.ExitCode != 2 {
		t.Errorf("in its next run, which a probe has to find ready: %+v", c)
	}
}

func TestReplacedContainerThatIsNotStarted(t *testing.T) {
	exit := corev1.ContainerStateTerminated{ExitCode: 2}
	ended := State{Pod: pod("Always", false)}.Apply(Added{Container: "a"}).Apply(Running{Container: "a", Started: true, Ready: true}).
		Apply(Terminated{Container: "a", State: exit, Replaced: true})
	for name, event := range map[string]Event{
		"no image":       Waiting{Container: "a", Reason: "ErrImagePull"},
		"back-off":       BackedOff{Container: "a", Last: exit},
		"a failed start": Terminated{Container: "a", Restarts: 1, State: exit},
		"the Pod's end":  Finished{"a"},
	} {
		c := Compute(ended.Apply(event), time.Now()).ContainerStatuses[0]
		if c.Ready || c.State.Running != nil || c.State.Terminated == nil && c.LastTerminationState.Terminated == nil {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

// A container whose postStart hook has not ended is being created, and has no ID yet.
func TestCreatedContainerIsNotShown(t *testing.T) {
	s := State{Pod: pod("Always", false)}.Apply(Added{Container: "a"}).Apply(Identified{"a", "id-1", "image:1", "sha256:1"})
	if c := Compute(s, time.Now()).ContainerStatuses[0]; c.ContainerID != "" || c.State.Waiting == nil || c.State.Waiting.Reason != ReasonCreating {
		t.Errorf("%+v", c)
	}
	if c := s.Containers["a"]; c.ID != "id-1" {
		t.Errorf("the container itself: %+v", c)
	}
}
