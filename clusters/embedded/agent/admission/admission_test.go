package admission

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

func node() *corev1.Node {
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: "k3s-w1", Labels: map[string]string{"zone": "a"}},
		Spec:       corev1.NodeSpec{Taints: []corev1.Taint{{Key: "maintenance", Effect: corev1.TaintEffectNoSchedule}}},
		Status: corev1.NodeStatus{Allocatable: corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse("2"), corev1.ResourceMemory: resource.MustParse("1Gi"), corev1.ResourcePods: resource.MustParse("3"),
		}},
	}
}

// requesting makes a Pod with a request for a resource.
func requesting(name corev1.ResourceName, quantity string) *corev1.Pod {
	return &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{
		Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{name: resource.MustParse(quantity)}},
	}}}}
}

func withPort(port corev1.ContainerPort) *corev1.Pod {
	return &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Ports: []corev1.ContainerPort{port}}}}}
}

func withSysctl(name string) *corev1.Pod {
	return &corev1.Pod{Spec: corev1.PodSpec{SecurityContext: &corev1.PodSecurityContext{Sysctls: []corev1.Sysctl{{Name: name, Value: "1"}}}}}
}

func TestCheck(t *testing.T) {
	one := requesting(corev1.ResourceCPU, "1500m")
	http := corev1.ContainerPort{HostPort: 80, ContainerPort: 8080}
	sharing := withSysctl("net.ipv4.tcp_syncookies")
	sharing.Spec.HostNetwork = true
	sidecar := &corev1.Pod{Spec: corev1.PodSpec{InitContainers: []corev1.Container{{
		RestartPolicy: ptr.To(corev1.ContainerRestartPolicyAlways), Ports: []corev1.ContainerPort{http},
	}}}}
	cases := []struct {
		name            string
		pod             *corev1.Pod
		others          []*corev1.Pod
		reason, message string
	}{
		{"nothing special", &corev1.Pod{}, nil, "", ""},
		{"processors", requesting(corev1.ResourceCPU, "64"), nil, "OutOfcpu", "Node didn't have enough resource: cpu, requested: 64000, used: 0, capacity: 2000"},
		{"what others leave of processors", requesting(corev1.ResourceCPU, "1"), []*corev1.Pod{one}, "OutOfcpu", "requested: 1000, used: 1500, capacity: 2000"},
		{"what fits exactly", requesting(corev1.ResourceCPU, "500m"), []*corev1.Pod{one}, "", ""},
		{"memory", requesting(corev1.ResourceMemory, "2Gi"), nil, "OutOfmemory", "memory, requested: 2147483648, used: 0, capacity: 1073741824"},
		{"a resource of the cluster", requesting("example.com/licence", "1"), nil, "", ""},
		{"a resource of Kubernetes that the node lacks", requesting("hugepages-2Mi", "2Mi"), nil, "OutOfhugepages-2Mi", ""},
		{"number of Pods", &corev1.Pod{}, []*corev1.Pod{{}, {}, {}}, "OutOfpods", "requested: 1, used: 3, capacity: 3"},
		{"node selector", &corev1.Pod{Spec: corev1.PodSpec{NodeSelector: map[string]string{"zone": "b"}}}, nil, "NodeAffinity", "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"},
		{"matching node selector", &corev1.Pod{Spec: corev1.PodSpec{NodeSelector: map[string]string{"zone": "a"}}}, nil, "", ""},
		{"port in use", withPort(http), []*corev1.Pod{withPort(http)}, "NodePorts", "Predicate NodePorts failed: node(s) didn't have free ports"},
		{"port in use by a sidecar", withPort(http), []*corev1.Pod{sidecar}, "NodePorts", ""},
		{"port of another protocol", withPort(http), []*corev1.Pod{withPort(corev1.ContainerPort{HostPort: 80, Protocol: corev1.ProtocolUDP})}, "", ""},
		{"port of another address", withPort(corev1.ContainerPort{HostPort: 80, HostIP: "127.0.0.1"}), []*corev1.Pod{withPort(corev1.ContainerPort{HostPort: 80, HostIP: "10.0.0.1"})}, "", ""},
		{"port of all addresses", withPort(corev1.ContainerPort{HostPort: 80, HostIP: "0.0.0.0"}), []*corev1.Pod{withPort(corev1.ContainerPort{HostPort: 80, HostIP: "10.0.0.1"})}, "NodePorts", ""},
		{"container port", withPort(corev1.ContainerPort{ContainerPort: 80}), []*corev1.Pod{withPort(corev1.ContainerPort{ContainerPort: 80})}, "", ""},
		{"operating system", &corev1.Pod{Spec: corev1.PodSpec{OS: &corev1.PodOS{Name: corev1.Windows}}}, nil, "PodOSNotSupported", "doesn't match node OS"},
		{"operating system's label", &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{corev1.LabelOSStable: "windows"}}}, nil, "PodOSSelectorNodeLabelDoesNotMatch", ""},
		{"groups policy", &corev1.Pod{Spec: corev1.PodSpec{SecurityContext: &corev1.PodSecurityContext{SupplementalGroupsPolicy: ptr.To(corev1.SupplementalGroupsPolicyStrict)}}}, nil, "SupplementalGroupsPolicyNotSupported", ""},
		{"unsafe sysctl", withSysctl("kernel.msgmax"), nil, "SysctlForbidden", `forbidden sysctl: "kernel.msgmax" not allowlisted`},
		{"safe sysctl", withSysctl("net/ipv4/tcp_syncookies"), nil, "", ""},
		{"sysctl of the node's network", sharing, nil, "SysctlForbidden", "not allowed with host net enabled"},
	}
	for _, c := range cases {
		got := Check(c.pod, node(), c.others)
		switch {
		case got == nil && c.reason != "":
			t.Errorf("%s: admitted, want %s", c.name, c.reason)
		case got != nil && (got.Reason != c.reason || !strings.Contains(got.Message, c.message)):
			t.Errorf("%s: %+v, want %s with %q", c.name, *got, c.reason, c.message)
		}
	}
}

func TestTaints(t *testing.T) {
	n := node()
	if got := Check(&corev1.Pod{}, n, nil); got != nil {
		t.Errorf("NoSchedule is the scheduler's: %+v", *got)
	}
	n.Spec.Taints = []corev1.Taint{{Key: "down", Effect: corev1.TaintEffectNoExecute}}
	if got := Check(&corev1.Pod{}, n, nil); got == nil || got.Reason != ReasonTaint {
		t.Errorf("not tolerated: %+v", got)
	}
	tolerant := &corev1.Pod{Spec: corev1.PodSpec{Tolerations: []corev1.Toleration{{Operator: corev1.TolerationOpExists}}}}
	if got := Check(tolerant, n, nil); got != nil {
		t.Errorf("tolerated: %+v", *got)
	}
}
