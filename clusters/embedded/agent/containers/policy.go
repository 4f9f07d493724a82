//go:build linux

package containers

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/podstatus"
)

// role of a container in its Pod.
type role int

const (
	roleMain role = iota
	roleInit
	roleSidecar // a restartable init container
	roleEphemeral
)

func roleOfInit(c *corev1.Container) role {
	if podstatus.IsSidecar(c) {
		return roleSidecar
	}
	return roleInit
}

// shouldRestart reports whether a container that ended with an exit code is to be restarted. The container's own rules come
// first, then its own policy, then the Pod's. An init container that succeeded is never restarted.
func shouldRestart(pod *corev1.Pod, c *corev1.Container, r role, code int32) bool {
	switch {
	case r == roleEphemeral:
		return false
	case r == roleSidecar:
		return true
	case r == roleInit && code == 0:
		return false
	}
	for _, rule := range c.RestartPolicyRules {
		if rule.Action == corev1.ContainerRestartRuleActionRestart && matchesRule(rule, code) {
			return true
		}
	}
	policy := pod.Spec.RestartPolicy
	if c.RestartPolicy != nil {
		policy = corev1.RestartPolicy(*c.RestartPolicy)
	}
	switch policy {
	case corev1.RestartPolicyNever:
		return false
	case corev1.RestartPolicyOnFailure:
		return code != 0
	}
	return true
}

func matchesRule(rule corev1.ContainerRestartRule, code int32) bool {
	if rule.ExitCodes == nil {
		return false
	}
	listed := slices.Contains(rule.ExitCodes.Values, code)
	if rule.ExitCodes.Operator == corev1.ContainerRestartRuleOnExitCodesOpNotIn {
		return !listed
	}
	return listed
}
