// Package admission decides whether a node runs a Pod that is bound to it, by the rules of the kubelet. The scheduler has
// applied most of them already, but a Pod may name its node and so bypass it. All functions are pure.
package admission

import (
	"fmt"
	"runtime"

	corev1 "k8s.io/api/core/v1"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"
)

// Rejection is why a node does not run a Pod. Reason and Message are the kubelet's, as in the Pod's status.
type Rejection struct{ Reason, Message string }

// Reasons that are not an insufficient resource ("OutOfcpu").
const (
	ReasonSysctl       = "SysctlForbidden"
	ReasonOSLabel      = "PodOSSelectorNodeLabelDoesNotMatch"
	ReasonOS           = "PodOSNotSupported"
	ReasonGroupsPolicy = "SupplementalGroupsPolicyNotSupported"
	ReasonNodeAffinity = "NodeAffinity"
	ReasonNodePorts    = "NodePorts"
	ReasonTaint        = "TaintToleration"
)

// Check returns the first reason for which a node does not run a Pod beside the others that it runs; nil if there is none.
func Check(pod *corev1.Pod, node *corev1.Node, others []*corev1.Pod) *Rejection {
	for _, check := range []func() *Rejection{
		func() *Rejection { return checkSysctls(pod) },
		func() *Rejection { return checkPlatform(pod) },
		func() *Rejection { return checkResources(pod, node, others) },
		func() *Rejection { return checkAffinity(pod, node) },
		func() *Rejection { return checkPorts(pod, others) },
		func() *Rejection { return checkTaints(pod, node) },
	} {
		if rejection := check(); rejection != nil {
			return rejection
		}
	}
	return nil
}

// checkPlatform checks for what the node can't do for any Pod.
func checkPlatform(pod *corev1.Pod) *Rejection {
	if label, ok := pod.Labels[corev1.LabelOSStable]; ok && label != runtime.GOOS {
		return &Rejection{ReasonOSLabel, "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label"}
	}
	if pod.Spec.OS != nil && string(pod.Spec.OS.Name) != runtime.GOOS {
		return &Rejection{ReasonOS, "Failed to admit pod as the OS field doesn't match node OS"}
	}
	if sc := pod.Spec.SecurityContext; sc != nil && sc.SupplementalGroupsPolicy != nil && *sc.SupplementalGroupsPolicy == corev1.SupplementalGroupsPolicyStrict {
		return &Rejection{ReasonGroupsPolicy, fmt.Sprintf("SupplementalGroupsPolicy=%s is not supported in this node", corev1.SupplementalGroupsPolicyStrict)}
	}
	return nil
}

func checkAffinity(pod *corev1.Pod, node *corev1.Node) *Rejection {
	// An invalid selector matches no node.
	if matches, err := nodeaffinity.GetRequiredNodeAffinity(pod).Match(node); err == nil && matches {
		return nil
	}
	return predicate(ReasonNodeAffinity, "node(s) didn't match Pod's node affinity/selector")
}

func checkTaints(pod *corev1.Pod, node *corev1.Node) *Rejection {
	noExecute := func(t *corev1.Taint) bool { return t.Effect == corev1.TaintEffectNoExecute }
	_, untolerated := corev1helpers.FindMatchingUntoleratedTaint(klog.Background(), node.Spec.Taints, pod.Spec.Tolerations, noExecute, true)
	if !untolerated {
		return nil
	}
	return predicate(ReasonTaint, "node(s) had taints that the pod didn't tolerate")
}

// predicate is the rejection by one of the scheduler's rules.
func predicate(name, reason string) *Rejection {
	return &Rejection{name, fmt.Sprintf("Predicate %s failed: %s", name, reason)}
}
