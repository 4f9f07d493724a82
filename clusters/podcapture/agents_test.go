package podcapture

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/rest"
	clienttesting "k8s.io/client-go/testing"

	"github.com/ingress-testbed/testbed/clusters"
)

func newAgents(nodes []clusters.Node, objects ...runtime.Object) (*Agents, *fake.Clientset) {
	clientset := fake.NewClientset(objects...)
	return New(Config{
		REST: &rest.Config{}, Clientset: clientset, Namespace: "captures", Labels: map[string]string{"run": "x"},
		Nodes: func(context.Context) ([]clusters.Node, error) { return nodes, nil },
	}), clientset
}

func pod(name, node, address string, hostNetwork bool) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name},
		Spec:       corev1.PodSpec{NodeName: node, HostNetwork: hostNetwork},
		Status:     corev1.PodStatus{PodIP: address},
	}
}

func TestWhatTheAgentIsAsked(t *testing.T) {
	two := []clusters.Node{
		{Name: "a", InternalIP: netip.MustParseAddr("10.0.0.1")}, {Name: "b", InternalIP: netip.MustParseAddr("10.0.0.2")},
	}
	agents, _ := newAgents(two, pod("web", "b", "10.244.1.7", false), pod("host", "b", "10.0.0.2", true), pod("new", "", "", false))
	alone, _ := newAgents(two[:1])
	for name, c := range map[string]struct {
		agents      *Agents
		target      clusters.CaptureTarget
		node        string
		argument    string
		problem     string
		unsupported bool
	}{
		"a Pod":                   {agents, clusters.CaptureTarget{Namespace: "ns", Pod: "web"}, "b", "--pod=10.244.1.7", "", false},
		"an interface":            {agents, clusters.CaptureTarget{Node: "a", Interface: "eth7"}, "a", "--interface=eth7", "", false},
		"a node's link":           {agents, clusters.CaptureTarget{Node: "b"}, "b", "--towards=10.0.0.1", "", false},
		"the only node":           {alone, clusters.CaptureTarget{Node: "a"}, "", "", "no link to other nodes", true},
		"a Pod on the host":       {agents, clusters.CaptureTarget{Namespace: "ns", Pod: "host"}, "", "", "no link of its own", true},
		"a Pod without a node":    {agents, clusters.CaptureTarget{Namespace: "ns", Pod: "new"}, "", "", "no address", false},
		"a Pod that is not there": {agents, clusters.CaptureTarget{Namespace: "ns", Pod: "none"}, "", "", "not found", false},
	} {
		t.Run(name, func(t *testing.T) {
			node, arguments, err := c.agents.resolve(t.Context(), c.target)
			if c.problem != "" {
				if err == nil || !strings.Contains(err.Error(), c.problem) || errors.Is(err, clusters.ErrUnsupported) != c.unsupported {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil || node != c.node || !slices.Equal(arguments, []string{c.argument}) {
				t.Errorf("node %s, arguments %q, error %v", node, arguments, err)
			}
		})
	}
}

// state lets each Pod that is made have a container in this state.
func state(clientset *fake.Clientset, container corev1.ContainerState) {
	clientset.PrependReactor("create", "pods", func(action clienttesting.Action) (bool, runtime.Object, error) {
		made, ok := action.(clienttesting.CreateAction).GetObject().(*corev1.Pod)
		if ok {
			made.Status.ContainerStatuses = []corev1.ContainerStatus{{State: container}}
		}
		return false, nil, nil
	})
}

func TestAnAgentIsStartedOnceAndRemoved(t *testing.T) {
	agents, clientset := newAgents(nil)
	state(clientset, corev1.ContainerState{Running: &corev1.ContainerStateRunning{}})
	for range 2 {
		if err := agents.ensure(t.Context(), "a-node"); err != nil {
			t.Fatal(err)
		}
	}
	pods, err := clientset.CoreV1().Pods("captures").List(t.Context(), metav1.ListOptions{})
	if err != nil || len(pods.Items) != 1 {
		t.Fatalf("%d Pods, %v", len(pods.Items), err)
	}
	spec := pods.Items[0].Spec
	security := spec.Containers[0].SecurityContext
	if spec.NodeName != "a-node" || !spec.HostNetwork || *security.Privileged ||
		!slices.Equal(security.Capabilities.Add, []corev1.Capability{"NET_RAW"}) || !slices.Equal(security.Capabilities.Drop, []corev1.Capability{"ALL"}) {
		t.Errorf("the agent's Pod is %+v", spec)
	}
	namespace, err := clientset.CoreV1().Namespaces().Get(t.Context(), "captures", metav1.GetOptions{})
	if err != nil || namespace.Labels["run"] != "x" || namespace.Labels["pod-security.kubernetes.io/enforce"] != "privileged" {
		t.Errorf("namespace %v, %v", namespace.Labels, err)
	}
	if err := agents.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := clientset.CoreV1().Namespaces().Get(t.Context(), "captures", metav1.GetOptions{}); err == nil {
		t.Error("the namespace is still there")
	}
}

func TestAnImageThatIsMissingIsToldAtOnce(t *testing.T) {
	agents, clientset := newAgents(nil)
	state(clientset, corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull", Message: "no such host"}})
	if err := agents.ensure(t.Context(), "a-node"); err == nil || !strings.Contains(err.Error(), "ErrImagePull: no such host") {
		t.Errorf("error %v", err)
	}
}

func TestNothingIsRemovedWhereNothingWasMade(t *testing.T) {
	agents, clientset := newAgents(nil)
	if err := agents.Close(t.Context()); err != nil || len(clientset.Actions()) > 0 {
		t.Errorf("error %v, actions %v", err, clientset.Actions())
	}
}
