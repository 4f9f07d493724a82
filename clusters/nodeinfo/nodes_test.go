package nodeinfo_test

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/clusters/nodeinfo"
)

func node(name, internal, external, pods string, labels, annotations map[string]string) *corev1.Node {
	made := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels, Annotations: annotations}}
	made.Spec.PodCIDR = pods
	made.Status.Addresses = []corev1.NodeAddress{
		{Type: corev1.NodeHostName, Address: name},
		{Type: corev1.NodeInternalIP, Address: "fd00::1"},
		{Type: corev1.NodeInternalIP, Address: internal},
	}
	if external != "" {
		made.Status.Addresses = append(made.Status.Addresses, corev1.NodeAddress{Type: corev1.NodeExternalIP, Address: external})
	}
	return made
}

func addresses(texts ...string) []netip.Addr {
	var all []netip.Addr
	for _, text := range texts {
		all = append(all, netip.MustParseAddr(text))
	}
	return all
}

func TestNodesComeWithTheControlPlaneFirst(t *testing.T) {
	clientset := fake.NewClientset(
		node("a-worker", "10.0.0.2", "192.0.2.2", "10.244.1.0/24", nil, nil),
		node("z-control-plane", "10.0.0.1", "", "10.244.0.0/24", map[string]string{"node-role.kubernetes.io/control-plane": ""}, nil),
	)
	got, err := nodeinfo.Nodes(t.Context(), clientset)
	if err != nil {
		t.Fatal(err)
	}
	want := []clusters.Node{
		{
			Name: "z-control-plane", InternalIP: addresses("10.0.0.1")[0], ExternalIP: addresses("10.0.0.1")[0],
			PodCIDR: netip.MustParsePrefix("10.244.0.0/24"), PodGateway: addresses("10.244.0.1")[0],
			Masquerade: addresses("10.244.0.1", "10.0.0.1"),
		},
		{
			Name: "a-worker", InternalIP: addresses("10.0.0.2")[0], ExternalIP: addresses("192.0.2.2")[0],
			PodCIDR: netip.MustParsePrefix("10.244.1.0/24"), PodGateway: addresses("10.244.1.1")[0],
			Masquerade: addresses("10.244.1.1", "10.0.0.2"),
		},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
		cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
}

func TestMasqueradeByPodNetwork(t *testing.T) {
	for name, c := range map[string]struct {
		annotations map[string]string
		pods        string
		gateway     string
		masquerade  []netip.Addr
	}{
		"bridge or ptp": {nil, "10.244.0.0/24", "10.244.0.1", addresses("10.244.0.1", "10.0.0.1")},
		"flannel": {
			map[string]string{"flannel.alpha.coreos.com/backend-type": "vxlan"}, "10.42.0.0/24", "10.42.0.1", addresses("10.42.0.1", "10.42.0.0"),
		},
		"flannel without a tunnel": {
			map[string]string{"flannel.alpha.coreos.com/backend-type": "host-gw"}, "10.42.0.0/24", "10.42.0.1", addresses("10.42.0.1", "10.0.0.1"),
		},
		"Calico": {
			map[string]string{"projectcalico.org/IPv4Address": "10.0.0.1/24", "projectcalico.org/IPv4IPIPTunnelAddr": "192.168.7.64"},
			"10.244.0.0/24", "", addresses("10.0.0.1", "192.168.7.64"),
		},
		"Cilium": {
			map[string]string{"network.cilium.io/ipv4-cilium-host": "10.244.0.77"}, "10.244.0.0/24", "10.244.0.77", addresses("10.244.0.77", "10.0.0.1"),
		},
		"no Pod range": {nil, "", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			nodes, err := nodeinfo.Nodes(t.Context(), fake.NewClientset(node("n", "10.0.0.1", "", c.pods, nil, c.annotations)))
			if err != nil {
				t.Fatal(err)
			}
			if got := nodes[0].PodGateway; c.gateway != "" && got.String() != c.gateway || c.gateway == "" && got.IsValid() {
				t.Errorf("gateway %s, want %q", got, c.gateway)
			}
			if diff := cmp.Diff(c.masquerade, nodes[0].Masquerade, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
				t.Errorf("masquerade (-want +got):\n%s", diff)
			}
		})
	}
}
