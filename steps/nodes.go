package steps

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/cucumber/godog"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
)

// nodes are the steps about the cluster's machines and the client outside of it.
type nodes struct{ *scenario }

func (n *nodes) Definitions() []vocabulary.Definition {
	return []vocabulary.Definition{
		{
			Pattern: `the cluster has at least (\d+) workers?`,
			Example: `the cluster has at least 3 workers`,
			Handler: n.hasWorkers,
		},
		{
			Pattern: `the nodes' Pod network is a flannel "([^"]*)"`,
			Example: `the nodes' Pod network is a flannel "vxlan"`,
			Handler: n.isFlannel,
		},
		{
			Pattern: `these are the addresses, where the cluster was given them:`,
			Example: `these are the addresses, where the cluster was given them:`,
			Handler: n.hasAddresses,
		},
		{
			Pattern: `the client's hosts file has:`,
			Example: `the client's hosts file has:`,
			Handler: n.hostsFile,
		},
	}
}

func (n *nodes) hasWorkers(ctx context.Context, wanted int) error {
	all, err := n.Nodes(ctx)
	if err != nil {
		return err
	}
	if workers := len(all) - 1; workers < wanted {
		return fmt.Errorf("the scenario needs %d workers and the cluster has %d: %w", wanted, workers, clusters.ErrUnsupported)
	}
	return nil
}

// isFlannel asks for the way in which flannel says that it carries packets between nodes.
func (n *nodes) isFlannel(ctx context.Context, backend string) error {
	const annotation = "flannel.alpha.coreos.com/backend-type"
	list, err := n.Objects.Clientset.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("reading the nodes: %w", err)
	}
	for _, node := range list.Items {
		if found := node.Annotations[annotation]; found != backend {
			return fmt.Errorf("node %s has the annotation %s=%q, not %q: %w", node.Name, annotation, found, backend, clusters.ErrUnsupported)
		}
	}
	return nil
}

// hasAddresses compares roles with literal addresses. A cluster that has none of them was never given them; one that
// has some of them was, and must have all.
func (n *nodes) hasAddresses(ctx context.Context, table *godog.Table) error {
	lines, err := rows(table, "role", "address")
	if err != nil {
		return err
	}
	equal := 0
	var different []string
	for _, line := range lines {
		value, err := n.role(ctx, line["role"])
		if err != nil {
			return fmt.Errorf("what %q is: %w", line["role"], err)
		}
		if value == line["address"] {
			equal++
		} else {
			different = append(different, fmt.Sprintf("%s is %s, not %s", line["role"], value, line["address"]))
		}
	}
	switch {
	case equal == 0:
		return fmt.Errorf("the cluster has addresses of its own: %w", clusters.ErrUnsupported)
	case len(different) > 0:
		return failure("the addresses in the table", strings.Join(different, "; "), "the cluster's settings")
	}
	return nil
}

// hostsFile reads lines as in /etc/hosts: an address and names.
func (n *nodes) hostsFile(_ context.Context, lines *godog.DocString) error {
	for line := range strings.SplitSeq(lines.Content, "\n") {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		address, err := netip.ParseAddr(fields[0])
		if err != nil || len(fields) == 1 {
			return fmt.Errorf("the line %q of the hosts file is not an address and names", line)
		}
		n.place.names.AddHost(address, fields[1:]...)
	}
	return nil
}
