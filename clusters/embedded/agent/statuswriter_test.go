//go:build linux

package agent

import (
	"encoding/json"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
)

func TestStatusPatch(t *testing.T) {
	current := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web", UID: "u-1"}, Status: corev1.PodStatus{
		Phase: corev1.PodRunning, Reason: "Old", PodIP: "172.16.1.3", QOSClass: corev1.PodQOSBurstable,
		Conditions: []corev1.PodCondition{
			{Type: corev1.PodReady, Status: corev1.ConditionTrue}, {Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Message: "theirs"},
		},
		ContainerStatuses: []corev1.ContainerStatus{{Name: "a", Ready: true}},
	}}
	wanted := corev1.PodStatus{
		Phase: corev1.PodRunning, PodIP: "172.16.1.3",
		Conditions:        []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionFalse, Reason: "ContainersNotReady"}},
		ContainerStatuses: []corev1.ContainerStatus{{Name: "a", Ready: false}},
	}
	patch, changed, err := statusPatch(current, wanted)
	if err != nil || !changed {
		t.Fatalf("changed %v, %v", changed, err)
	}
	if !strings.Contains(string(patch), `"uid":"u-1"`) {
		t.Errorf("the patch %s would hit another Pod of that name", patch)
	}
	before, err := json.Marshal(current)
	if err != nil {
		t.Fatal(err)
	}
	after, err := strategicpatch.StrategicMergePatch(before, patch, corev1.Pod{})
	if err != nil {
		t.Fatal(err)
	}
	var got corev1.Pod
	if err := json.Unmarshal(after, &got); err != nil {
		t.Fatal(err)
	}
	s := got.Status
	if s.Reason != "" || s.QOSClass != corev1.PodQOSBurstable || s.ContainerStatuses[0].Ready {
		t.Errorf("status %+v", s)
	}
	conditions := map[corev1.PodConditionType]corev1.PodCondition{}
	for _, c := range s.Conditions {
		conditions[c.Type] = c
	}
	if conditions[corev1.PodReady].Status != corev1.ConditionFalse || conditions[corev1.DisruptionTarget].Message != "theirs" {
		t.Errorf("conditions %+v", s.Conditions)
	}
	if _, changed, err := statusPatch(&got, wanted); err != nil || changed {
		t.Errorf("the same status again: changed %v, %v", changed, err)
	}
}

func TestConfigNamesWhatIsMissing(t *testing.T) {
	_, err := Config{NodeName: "k3s-s"}.withDefaults()
	for _, field := range []string{"InternalIP", "Kubeconfig", "StateDir", "ImageDir", "ClientCA"} {
		if err == nil || !strings.Contains(err.Error(), field+" is not set") {
			t.Errorf("%s is not named in %v", field, err)
		}
	}
}
