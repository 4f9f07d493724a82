package kubernetes

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/cucumber/godog"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/steps/arguments"
	"github.com/ingress-testbed/testbed/steps/nodes"
	"github.com/ingress-testbed/testbed/steps/objects"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
	"github.com/ingress-testbed/testbed/steps/world"
)

// clusterSteps are about the cluster's nodes and addresses, and the host names of the client outside.
type clusterSteps struct {
	objects      *objects.API
	nodes        nodes.List
	placeholders Placeholders
}

func (c clusterSteps) definitions() []vocabulary.Definition {
	return []vocabulary.Definition{
		{
			Pattern: `the cluster has at least (\d+) workers?`,
			Example: `the cluster has at least 3 workers`,
			Handler: c.hasWorkers,
		},
		{
			Pattern: `the Pod network is flannel with the backend "([^"]*)"`,
			Example: `the Pod network is flannel with the backend "vxlan"`,
			Handler: c.isFlannel,
		},
		{
			Pattern: `the cluster has these addresses, if they were configured:`,
			Example: `the cluster has these addresses, if they were configured:`,
			Handler: c.hasAddresses,
		},
		{
			Pattern: `the client's hosts file has:`,
			Example: `the client's hosts file has:`,
			Handler: hostsFile,
		},
	}
}

func (c clusterSteps) hasWorkers(_ context.Context, number int) error {
	_, err := c.nodes.Worker(number)
	return err
}

// isFlannel compares the backend that flannel has recorded in an annotation of each node.
func (c clusterSteps) isFlannel(ctx context.Context, backend string) error {
	const annotation = "flannel.alpha.coreos.com/backend-type"
	list, err := c.objects.Workloads.Clientset.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("listing the nodes: %w", err)
	}
	for _, node := range list.Items {
		if found := node.Annotations[annotation]; found != backend {
			return fmt.Errorf("node %s has the annotation %s=%q, not %q: %w", node.Name, annotation, found, backend, clusters.ErrUnsupported)
		}
	}
	return nil
}

// hasAddresses compares placeholders with literal values. A cluster that has none of them was not configured with them,
// so that the scenario is skipped; one that has some must have all.
func (c clusterSteps) hasAddresses(ctx context.Context, table *godog.Table) error {
	lines, err := arguments.Rows(table, "placeholder", "address")
	if err != nil {
		return err
	}
	equal := 0
	var different []string
	for _, line := range lines {
		value, err := c.placeholders.Value(ctx, line["placeholder"])
		if err != nil {
			return err
		}
		if value == line["address"] {
			equal++
		} else {
			different = append(different, fmt.Sprintf("%s is %s, not %s", line["placeholder"], value, line["address"]))
		}
	}
	switch {
	case equal == 0:
		return fmt.Errorf("the cluster was not configured with these addresses: %w", clusters.ErrUnsupported)
	case len(different) > 0:
		return world.Failure("the addresses in the table", strings.Join(different, "; "), "the cluster's settings")
	}
	return nil
}

// hostsFile adds lines in the format of /etc/hosts: an address and names.
func hostsFile(ctx context.Context, lines *godog.DocString) error {
	resolver := world.From(ctx).Namespace.Resolver
	for line := range strings.SplitSeq(lines.Content, "\n") {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		address, err := netip.ParseAddr(fields[0])
		if err != nil || len(fields) == 1 {
			return fmt.Errorf("the line %q of the hosts file does not consist of an address and names", line)
		}
		resolver.AddHost(address, fields[1:]...)
	}
	return nil
}
