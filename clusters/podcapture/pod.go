package podcapture

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// program is the agent's path in its image.
const program = "/capture"

// namespaceLabels let Pods use their node's network where the cluster enforces the Pod Security Standards: of these,
// only "privileged" does.
func namespaceLabels(labels map[string]string) map[string]string {
	all := map[string]string{
		"app.kubernetes.io/managed-by":       "ingress-testbed",
		"pod-security.kubernetes.io/enforce": "privileged",
	}
	maps.Copy(all, labels)
	return all
}

// podName is a name of at most 63 characters for any node name.
func podName(node string) string {
	sum := sha256.Sum256([]byte(node))
	return "capture-" + hex.EncodeToString(sum[:8])
}

// agentPod shares its node's network, and may open packet sockets there, but can do nothing else.
func agentPod(namespace, node, image string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: podName(node),
			Labels: map[string]string{"app.kubernetes.io/name": "capture-agent", "app.kubernetes.io/managed-by": "ingress-testbed"},
		},
		Spec: corev1.PodSpec{
			// Not the scheduler's choice: it has to be this node, whatever its taints and state.
			NodeName:                      node,
			Tolerations:                   []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
			HostNetwork:                   true,
			RestartPolicy:                 corev1.RestartPolicyNever,
			TerminationGracePeriodSeconds: ptr.To[int64](1),
			ActiveDeadlineSeconds:         ptr.To(int64(lifetime.Seconds())),
			AutomountServiceAccountToken:  ptr.To(false),
			EnableServiceLinks:            ptr.To(false),
			Containers: []corev1.Container{{
				Name: "capture", Image: image, ImagePullPolicy: corev1.PullIfNotPresent,
				Command: []string{program, "wait"},
				Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
					corev1.ResourceCPU: resource.MustParse("10m"), corev1.ResourceMemory: resource.MustParse("32Mi"),
				}},
				SecurityContext: &corev1.SecurityContext{
					// A user that is not root would lose the capability at the start of the program.
					RunAsUser:                ptr.To[int64](0),
					Privileged:               ptr.To(false),
					AllowPrivilegeEscalation: ptr.To(false),
					ReadOnlyRootFilesystem:   ptr.To(true),
					SeccompProfile:           &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
					Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}, Add: []corev1.Capability{"NET_RAW"}},
				},
			}},
		},
	}
}
