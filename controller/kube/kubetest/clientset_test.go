package kubetest_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ingress-testbed/testbed/controller/kube/kubetest"
)

func TestAWatcherMayChangeWhatItGets(t *testing.T) {
	client := kubetest.NewClientset()
	pods := client.CoreV1().Pods("default")
	listed, err := pods.List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	late := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "late", Labels: map[string]string{"kept": "yes"}}}
	if _, err := pods.Create(t.Context(), late, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	watcher, err := pods.Watch(t.Context(), metav1.ListOptions{ResourceVersion: listed.ResourceVersion})
	if err != nil {
		t.Fatal(err)
	}
	defer watcher.Stop()
	(<-watcher.ResultChan()).Object.(*corev1.Pod).Labels = nil
	stored, err := pods.Get(t.Context(), "late", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if stored.Labels["kept"] != "yes" {
		t.Error("the watcher has changed the stored Pod")
	}
}
