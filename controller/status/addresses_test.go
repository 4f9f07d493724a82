package status_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ingress-testbed/testbed/controller/status"
)

func TestOfService(t *testing.T) {
	balanced := func(ingress ...corev1.LoadBalancerIngress) corev1.ServiceStatus {
		return corev1.ServiceStatus{LoadBalancer: corev1.LoadBalancerStatus{Ingress: ingress}}
	}
	for name, test := range map[string]struct {
		spec   corev1.ServiceSpec
		status corev1.ServiceStatus
		want   string
	}{
		"cluster IP": {spec: corev1.ServiceSpec{Type: corev1.ServiceTypeClusterIP, ClusterIP: "10.0.0.1"}, want: "10.0.0.1"},
		"headless":   {spec: corev1.ServiceSpec{Type: corev1.ServiceTypeClusterIP, ClusterIP: "None"}, want: ""},
		"node port":  {spec: corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort, ClusterIP: "10.0.0.1"}, want: "10.0.0.1"},
		"node port with external addresses": {
			spec: corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort, ClusterIP: "10.0.0.1", ExternalIPs: []string{"192.0.2.2", "192.0.2.1"}},
			want: "192.0.2.1 192.0.2.2",
		},
		"load balancer": {
			spec:   corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer, ClusterIP: "10.0.0.1"},
			status: balanced(corev1.LoadBalancerIngress{IP: "192.0.2.1"}, corev1.LoadBalancerIngress{Hostname: "lb.example.com"}),
			want:   "192.0.2.1 lb.example.com",
		},
		"load balancer with the same external address": {
			spec:   corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer, ExternalIPs: []string{"192.0.2.1"}},
			status: balanced(corev1.LoadBalancerIngress{IP: "192.0.2.1"}),
			want:   "192.0.2.1",
		},
		"load balancer that is not ready": {spec: corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer, ClusterIP: "10.0.0.1"}, want: ""},
		"external name":                   {spec: corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "x.example.com"}, want: "x.example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := texts(status.OfService(&corev1.Service{Spec: test.spec, Status: test.status})); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

func TestOfNodes(t *testing.T) {
	node := func(external, internal string) *corev1.Node {
		n := &corev1.Node{}
		n.Status.Addresses = append(n.Status.Addresses, corev1.NodeAddress{Type: corev1.NodeHostName, Address: "name"})
		if internal != "" {
			n.Status.Addresses = append(n.Status.Addresses, corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: internal})
		}
		if external != "" {
			n.Status.Addresses = append(n.Status.Addresses, corev1.NodeAddress{Type: corev1.NodeExternalIP, Address: external})
		}
		return n
	}
	nodes := map[string]*corev1.Node{
		"both": node("192.0.2.1", "10.0.0.1"), "internal": node("", "10.0.0.2"), "neither": node("", ""),
	}
	pod := func(node string, ready corev1.ConditionStatus) *corev1.Pod {
		return &corev1.Pod{Spec: corev1.PodSpec{NodeName: node}, Status: corev1.PodStatus{
			Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: ready}},
		}}
	}
	leaving := pod("both", corev1.ConditionTrue)
	leaving.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)}
	for name, test := range map[string]struct {
		pods           []*corev1.Pod
		preferInternal bool
		want           string
	}{
		"external first": {pods: []*corev1.Pod{pod("both", "True"), pod("internal", "True")}, want: "10.0.0.2 192.0.2.1"},
		"internal first": {pods: []*corev1.Pod{pod("both", "True")}, preferInternal: true, want: "10.0.0.1"},
		"twice the same": {pods: []*corev1.Pod{pod("both", "True"), pod("both", "True")}, want: "192.0.2.1"},
		"not ready":      {pods: []*corev1.Pod{pod("both", "False"), {}}},
		"leaving":        {pods: []*corev1.Pod{leaving}},
		"unknown node":   {pods: []*corev1.Pod{pod("missing", "True"), pod("", "True")}},
		"no address":     {pods: []*corev1.Pod{pod("neither", "True")}},
	} {
		t.Run(name, func(t *testing.T) {
			find := func(name string) *corev1.Node { return nodes[name] }
			if got := texts(status.OfNodes(test.pods, find, test.preferInternal)); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

func texts(addresses []networkingv1.IngressLoadBalancerIngress) string {
	var all []string
	for _, address := range addresses {
		all = append(all, fmt.Sprintf("%s%s", address.IP, address.Hostname))
	}
	return strings.Join(all, " ")
}
