package nodes_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/steps/nodes"
)

func list() nodes.List {
	return nodes.List{
		{
			Name: "server", InternalIP: netip.MustParseAddr("10.0.0.1"), PodCIDR: netip.MustParsePrefix("172.16.0.0/24"),
			Masquerade: []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("172.16.0.1")},
		},
		{Name: "agent"},
	}
}

func TestByNameAndWorker(t *testing.T) {
	t.Parallel()
	if node, err := list().ByName("agent"); err != nil || node.Name != "agent" {
		t.Errorf("ByName gave %+v, %v", node, err)
	}
	if _, err := list().ByName("walrus"); err == nil || errors.Is(err, clusters.ErrUnsupported) {
		t.Errorf("an unknown name gave %v", err)
	}
	if node, err := list().Worker(1); err != nil || node.Name != "agent" {
		t.Errorf("worker 1 is %+v, %v", node, err)
	}
	if _, err := list().Worker(2); !errors.Is(err, clusters.ErrUnsupported) {
		t.Errorf("a worker too many gave %v", err)
	}
}

func TestProperty(t *testing.T) {
	t.Parallel()
	server, agent := list()[0], list()[1]
	for property, want := range map[string]string{
		"address": "10.0.0.1", "pod range": "172.16.0.0/24", "masquerade": `/10\.0\.0\.1|172\.16\.0\.1/`,
	} {
		if got, err := nodes.Property(server, property); err != nil || got != want {
			t.Errorf("%s is %q, %v; want %q", property, got, err, want)
		}
	}
	if got, err := nodes.Property(list().Any(), "masquerade"); err != nil || got != `/10\.0\.0\.1|172\.16\.0\.1/` {
		t.Errorf("any node masquerades with %q, %v", got, err)
	}
	for _, property := range nodes.Properties() {
		if _, err := nodes.Property(agent, property); !errors.Is(err, clusters.ErrUnsupported) || !strings.Contains(err.Error(), "not report") {
			t.Errorf("%s of a node without it gave %v", property, err)
		}
	}
	if _, err := nodes.Property(server, "walrus"); err == nil || errors.Is(err, clusters.ErrUnsupported) {
		t.Errorf("an unknown property gave %v", err)
	}
}
