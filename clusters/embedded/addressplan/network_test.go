package addressplan

import (
	"net/netip"
	"strings"
	"testing"
)

func TestDefaultsAreTheWalkthroughs(t *testing.T) {
	n := Network{}.WithDefaults()
	if err := n.Validate(); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		what string
		got  any
		want string
	}{
		{"client", n.ClientAddress, "175.116.31.155"},
		{"public address of k3s-s", n.Public(0), "3.35.217.39"},
		{"router", n.Router(), "192.168.10.1"},
		{"k3s-s", n.Nodes[0].Address, "192.168.10.10"},
		{"k3s-w3", n.Nodes[3].Address, "192.168.10.103"},
		{"pods of k3s-s", n.Pods(0), "172.16.0.0/24"},
		{"pods of k3s-w3", n.Pods(3), "172.16.3.0/24"},
		{"cni0 of k3s-s", n.PodGateway(0), "172.16.0.1"},
		{"tunnel of k3s-w1", n.Tunnel(1), "172.16.1.0"},
		{"service kubernetes", n.KubernetesService(), "10.10.200.1"},
		{"cluster DNS", n.ClusterDNS(), "10.10.200.10"},
	} {
		if got := tc.got.(interface{ String() string }).String(); got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.what, got, tc.want)
		}
	}
}

func TestValidateNamesWhatIsWrong(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*Network)
		want   string
	}{
		"ranges overlap":     {func(n *Network) { n.ServiceCIDR = netip.MustParsePrefix("172.16.9.0/24") }, "overlaps podCIDR"},
		"client inside":      {func(n *Network) { n.ClientAddress = netip.MustParseAddr("192.168.10.7") }, "inside lan"},
		"node inside pool":   {func(n *Network) { n.LoadBalancerCIDR = netip.MustParsePrefix("3.35.217.40/30") }, "public addresses of their own"},
		"pool near client":   {func(n *Network) { n.LoadBalancerCIDR = netip.MustParsePrefix("175.116.31.0/28") }, "the client's network"},
		"client is router":   {func(n *Network) { n.ClientAddress = netip.MustParseAddr("175.116.31.1") }, "kept for the router"},
		"same network":       {func(n *Network) { n.PublicAddress = netip.MustParseAddr("175.116.31.9") }, "different /24"},
		"IPv6":               {func(n *Network) { n.ClientAddress = netip.MustParseAddr("2001:db8::1") }, "IPv4"},
		"IPv6 Services":      {func(n *Network) { n.ServiceCIDR = netip.MustParsePrefix("2001:db8::/64") }, "want an IPv4 range"},
		"no room for pods":   {func(n *Network) { n.PodCIDR = netip.MustParsePrefix("172.16.0.0/23") }, "no /24 for each"},
		"no room for DNS":    {func(n *Network) { n.ServiceCIDR = netip.MustParsePrefix("10.10.200.0/29") }, "/28 or larger"},
		"further Services":   {func(n *Network) { n.FurtherServiceCIDR = n.ServiceCIDR }, "furtherServiceCIDR 10.10.200.0/24 overlaps serviceCIDR"},
		"small packets":      {func(n *Network) { n.LANMTU = 500 }, "MTU"},
		"no nodes":           {func(n *Network) { n.Nodes = []Node{} }, "0 nodes"},
		"node name too long": {func(n *Network) { n.Nodes[1].Name = "a-very-long-name" }, "1 to 12"},
		"node named client":  {func(n *Network) { n.Nodes[1].Name = "client" }, "taken"},
		"two of a name":      {func(n *Network) { n.Nodes[1].Name = "k3s-s" }, "taken"},
		"two of an address":  {func(n *Network) { n.Nodes[1].Address = n.Nodes[0].Address }, "taken or not in the LAN"},
		"node off the LAN":   {func(n *Network) { n.Nodes[1].Address = netip.MustParseAddr("10.0.0.1") }, "not in the LAN"},
	} {
		t.Run(name, func(t *testing.T) {
			n := Network{}.WithDefaults()
			tc.change(&n)
			if err := n.Validate(); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want something about %q", err, tc.want)
			}
		})
	}
}

func TestManyServicesHaveARangeThatIsFree(t *testing.T) {
	for name, c := range map[string]struct{ lan, given, want string }{
		"by default":           {"", "", "10.10.208.0/20"},
		"one that is given":    {"", "10.99.0.0/16", "10.99.0.0/16"},
		"one that is occupied": {"10.10.0.0/16", "", "invalid Prefix"},
	} {
		t.Run(name, func(t *testing.T) {
			var n Network
			if c.lan != "" {
				n.LAN = netip.MustParsePrefix(c.lan)
				n.ServiceCIDR = netip.MustParsePrefix("10.20.0.0/24")
			}
			if c.given != "" {
				n.FurtherServiceCIDR = netip.MustParsePrefix(c.given)
			}
			with := n.WithManyServices()
			if got := with.FurtherServiceCIDR.String(); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if err := with.WithDefaults().Validate(); err != nil {
				t.Error(err)
			}
		})
	}
}
