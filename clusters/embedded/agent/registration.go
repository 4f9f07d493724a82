//go:build linux

package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/component-helpers/apimachinery/lease"
	"k8s.io/utils/clock"
)

const (
	// leaseDuration and its renewal are the kubelet's defaults.
	leaseDuration = 40 * time.Second
	leaseRenewal  = leaseDuration / 4
	// statusInterval is how often an unchanged status of a node is written.
	statusInterval = time.Minute
	// networkInterval is how often the agent checks whether the network is configured, until it is.
	networkInterval = 100 * time.Millisecond
)

// registration registers the node and reports its status.
type registration struct {
	client  kubernetes.Interface
	node    *corev1.Node // without conditions
	network func() error // why the network isn't ready; nil if it is
	log     *slog.Logger

	// began is the time of the first status or, later, of the last change of readiness; ready is the readiness since then.
	began, since metav1.Time
	ready        bool
}

// run registers the node, renews its lease and reports its status until ctx ends.
func (r *registration) run(ctx context.Context) error {
	registered, err := r.register(ctx)
	if err != nil {
		return err
	}
	renewal := lease.NewController(clock.RealClock{}, r.client, r.node.Name, int32(leaseDuration/time.Second), nil, leaseRenewal,
		r.node.Name, corev1.NamespaceNodeLease, ownedBy(registered))
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		renewal.Run(ctx)
	}()
	r.report(ctx)
	<-renewed
	return nil
}

// ownedBy makes a lease be deleted with its node.
func ownedBy(node *corev1.Node) lease.ProcessLeaseFunc {
	return func(l *coordinationv1.Lease) error {
		l.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Node", Name: node.Name, UID: node.UID}}
		return nil
	}
}

// register creates the Node, or updates the labels and the status of one that exists.
func (r *registration) register(ctx context.Context) (*corev1.Node, error) {
	node := r.node.DeepCopy()
	node.Status.Conditions = r.conditions(r.network())
	created, err := r.client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{})
	if err == nil {
		return created, nil
	}
	if !apierrors.IsAlreadyExists(err) {
		return nil, fmt.Errorf("registering the node: %w", err)
	}
	existing, err := r.client.CoreV1().Nodes().Get(ctx, node.Name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading the registered node: %w", err)
	}
	existing = existing.DeepCopy()
	if existing.Labels == nil {
		existing.Labels = map[string]string{}
	}
	maps.Copy(existing.Labels, node.Labels)
	if existing, err = r.client.CoreV1().Nodes().Update(ctx, existing, metav1.UpdateOptions{}); err != nil {
		return nil, fmt.Errorf("updating the registered node: %w", err)
	}
	return existing, r.write(ctx, r.network())
}

// report writes the status every statusInterval, and when the network becomes ready.
func (r *registration) report(ctx context.Context) {
	for {
		problem := r.network()
		if err := r.write(ctx, problem); err != nil && ctx.Err() == nil {
			r.log.Warn("reporting the node's status", "error", err)
		}
		if !r.pause(ctx, problem != nil) {
			return
		}
	}
}

// pause waits for statusInterval, or until the network is ready if unready is set. It returns false when ctx ends.
func (r *registration) pause(ctx context.Context, unready bool) bool {
	due := time.NewTimer(statusInterval)
	defer due.Stop()
	var check <-chan time.Time
	if unready {
		ticker := time.NewTicker(networkInterval)
		defer ticker.Stop()
		check = ticker.C
	}
	for {
		select {
		case <-ctx.Done():
			return false
		case <-due.C:
			return true
		case <-check:
			if r.network() == nil {
				return true
			}
		}
	}
}

// write patches the node's status. Conditions of other types remain.
func (r *registration) write(ctx context.Context, problem error) error {
	status := r.node.DeepCopy().Status
	status.Conditions = r.conditions(problem)
	patch, err := json.Marshal(map[string]any{"status": status})
	if err != nil {
		return fmt.Errorf("writing the node's status: %w", err)
	}
	_, err = r.client.CoreV1().Nodes().Patch(ctx, r.node.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	if err != nil {
		return fmt.Errorf("writing the node's status: %w", err)
	}
	return nil
}

func (r *registration) conditions(problem error) []corev1.NodeCondition {
	now := metav1.Now()
	if r.began.IsZero() {
		r.began = now
	}
	if ready := problem == nil; r.since.IsZero() || ready != r.ready {
		r.since, r.ready = now, ready
	}
	condition := func(kind corev1.NodeConditionType, status corev1.ConditionStatus, reason, message string) corev1.NodeCondition {
		return corev1.NodeCondition{
			Type: kind, Status: status, Reason: reason, Message: message, LastHeartbeatTime: now, LastTransitionTime: r.began,
		}
	}
	ready := condition(corev1.NodeReady, corev1.ConditionTrue, "KubeletReady", "node agent is posting ready status")
	if problem != nil {
		ready = condition(corev1.NodeReady, corev1.ConditionFalse, "KubeletNotReady",
			fmt.Sprintf("container runtime network not ready: %v", problem))
	}
	ready.LastTransitionTime = r.since
	return []corev1.NodeCondition{
		condition(corev1.NodeMemoryPressure, corev1.ConditionFalse, "KubeletHasSufficientMemory", "node agent has sufficient memory available"),
		condition(corev1.NodeDiskPressure, corev1.ConditionFalse, "KubeletHasNoDiskPressure", "node agent has no disk pressure"),
		condition(corev1.NodePIDPressure, corev1.ConditionFalse, "KubeletHasSufficientPID", "node agent has sufficient PID available"),
		ready,
	}
}
