//go:build linux

package agent

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

func readiness(t *testing.T, client *fake.Clientset) corev1.NodeCondition {
	t.Helper()
	node, err := client.CoreV1().Nodes().Get(t.Context(), "n", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c
		}
	}
	t.Fatalf("no condition Ready in %+v", node.Status.Conditions)
	return corev1.NodeCondition{}
}

func TestRegistration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := fake.NewClientset()
		var configured atomic.Bool
		network := func() error {
			if !configured.Load() {
				return errors.New("no configuration")
			}
			return nil
		}
		r := &registration{
			client: client, node: &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n", Labels: map[string]string{"a": "b"}}},
			network: network, log: slog.New(slog.DiscardHandler),
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.run(ctx) }()
		synctest.Wait()
		unready := readiness(t, client)
		if unready.Status != corev1.ConditionFalse {
			t.Errorf("without a network: %+v", unready)
		}
		time.Sleep(2 * time.Second) // times in the API are in seconds
		configured.Store(true)
		time.Sleep(2 * networkInterval)
		synctest.Wait()
		ready := readiness(t, client)
		if ready.Status != corev1.ConditionTrue || !ready.LastTransitionTime.After(unready.LastTransitionTime.Time) {
			t.Errorf("with a network: %+v", ready)
		}
		time.Sleep(2 * statusInterval)
		synctest.Wait()
		later := readiness(t, client)
		if !later.LastTransitionTime.Equal(&ready.LastTransitionTime) || !later.LastHeartbeatTime.After(ready.LastHeartbeatTime.Time) {
			t.Errorf("two minutes later: %+v, before %+v", later, ready)
		}
		lease, err := client.CoordinationV1().Leases(corev1.NamespaceNodeLease).Get(ctx, "n", metav1.GetOptions{})
		if err != nil || *lease.Spec.HolderIdentity != "n" || time.Since(lease.Spec.RenewTime.Time) > 2*leaseRenewal {
			t.Errorf("lease %+v, %v", lease, err)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestRegistrationOfAnExistingNode(t *testing.T) {
	existing := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n", Labels: map[string]string{"theirs": "x", "a": "old"}}}
	existing.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeNetworkUnavailable, Status: corev1.ConditionFalse}}
	client := fake.NewClientset(existing)
	r := &registration{
		client: client, node: &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n", Labels: map[string]string{"a": "b"}}},
		network: func() error { return nil }, log: slog.New(slog.DiscardHandler),
	}
	if _, err := r.register(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c := readiness(t, client); c.Status != corev1.ConditionTrue {
		t.Errorf("%+v", c)
	}
	node, err := client.CoreV1().Nodes().Get(t.Context(), "n", metav1.GetOptions{})
	if err != nil || node.Labels["theirs"] != "x" || node.Labels["a"] != "b" {
		t.Errorf("labels %v, %v", node.Labels, err)
	}
	if len(node.Status.Conditions) != 5 {
		t.Errorf("conditions %+v", node.Status.Conditions)
	}
}
