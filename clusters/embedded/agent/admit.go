//go:build linux

package agent

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/admission"
)

// admit checks whether the node runs a Pod that is new to it; nil if it does. A Pod that has run here before, under an
// earlier agent, is not checked again.
func (p *pods) admit(pod *corev1.Pod) *admission.Rejection {
	if pod.Status.Phase != corev1.PodPending && pod.Status.Phase != "" {
		return nil
	}
	others := p.active()
	rejection := admission.Check(pod, p.nodeObject(), others)
	if rejection == nil || rejection.Reason != admission.ReasonNodeAffinity {
		return rejection
	}
	// The informer may not have the node's newest labels yet.
	ctx, cancel := context.WithTimeout(p.ctx, nodeTimeout)
	defer cancel()
	node, err := p.client.CoreV1().Nodes().Get(ctx, p.node.Name, metav1.GetOptions{})
	if err != nil {
		p.log.Warn("reading the node's labels", "error", err)
		return rejection
	}
	return admission.Check(pod, node, others)
}

const nodeTimeout = 5 * time.Second

// active returns the Pods that take resources of the node.
func (p *pods) active() []*corev1.Pod {
	var list []*corev1.Pod
	for _, w := range p.all() {
		if phase := w.Status().Phase; phase != corev1.PodSucceeded && phase != corev1.PodFailed {
			list = append(list, w.Pod())
		}
	}
	return list
}

// reject fails a Pod that the node does not run.
func (p *pods) reject(pod *corev1.Pod, why admission.Rejection) {
	p.node.Event(pod, corev1.EventTypeWarning, why.Reason, why.Message)
	now := metav1.Now().Rfc3339Copy()
	failed := pod.DeepCopy()
	failed.Status = corev1.PodStatus{
		ObservedGeneration: pod.Generation, StartTime: &now,
		Phase: corev1.PodFailed, Reason: why.Reason, Message: "Pod was rejected: " + why.Message,
	}
	for p.ctx.Err() == nil {
		err := p.status.write(p.ctx, failed)
		if err == nil {
			return
		}
		p.log.Warn("rejecting a Pod", "pod", pod.Namespace+"/"+pod.Name, "error", err)
		select {
		case <-time.After(rejectInterval):
		case <-p.ctx.Done():
		}
	}
}

// rejectInterval is the pause between attempts to write the status of a rejected Pod.
const rejectInterval = time.Second
