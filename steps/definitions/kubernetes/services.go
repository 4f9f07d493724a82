package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cucumber/godog"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ingress-testbed/testbed/steps/arguments"
	"github.com/ingress-testbed/testbed/steps/objects"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
	"github.com/ingress-testbed/testbed/steps/world"
)

// serviceSteps are about Services, their endpoints and Pods, and roles.
type serviceSteps struct{ objects *objects.API }

func (s serviceSteps) definitions() []vocabulary.Definition {
	return []vocabulary.Definition{
		{
			Pattern: `the Services have these endpoints:`,
			Example: `the Services have these endpoints:`,
			Handler: s.haveEndpoints,
		},
		{
			Pattern: `the Pods of "([^"]*)" run on (\d+) different nodes`,
			Example: `the Pods of "deploy3-adminsrv" run on 3 different nodes`,
			Handler: s.runOnNodes,
		},
		{
			Pattern: `no Pod of "([^"]*)" runs on the node "([^"]*)"`,
			Example: `no Pod of "deploy3-adminsrv" runs on the node "${control plane}"`,
			Handler: s.avoidNode,
		},
		{
			Pattern: `the ClusterRole "([^"]*)" grants exactly:`,
			Example: `the ClusterRole "ingress-nginx" grants exactly:`,
			Handler: s.grantsExactly,
		},
	}
}

// podsOf lists the ready Pods of a Deployment, or the Pod of that name.
func (s serviceSteps) podsOf(ctx context.Context, owner string) ([]corev1.Pod, error) {
	namespace, name := world.From(ctx).QualifyPods(owner)
	return s.objects.Workloads.PodsOf(ctx, namespace, name)
}

// haveEndpoints compares the ready endpoints of Services with the addresses of Pods. The columns are Service, Pods (a
// Deployment or a Pod) and ports.
func (s serviceSteps) haveEndpoints(ctx context.Context, table *godog.Table) error {
	lines, err := arguments.Rows(table, "Service", "Pods", "ports")
	if err != nil {
		return err
	}
	var problems []error
	for _, line := range lines {
		problems = append(problems, s.hasEndpoints(ctx, line["Service"], line["Pods"], line["ports"]))
	}
	return errors.Join(problems...)
}

func (s serviceSteps) hasEndpoints(ctx context.Context, service, owner, ports string) error {
	namespace, name := world.From(ctx).Qualify(service)
	pods, err := s.podsOf(ctx, owner)
	if err != nil {
		return err
	}
	var expected []string
	for _, pod := range pods {
		for port := range strings.SplitSeq(ports, ",") {
			expected = append(expected, pod.Status.PodIP+":"+strings.TrimSpace(port))
		}
	}
	endpointSlices, err := s.objects.Workloads.Endpoints(ctx, namespace, name)
	if err != nil {
		return err
	}
	var seen []string
	for _, slice := range endpointSlices {
		for _, endpoint := range slice.Endpoints {
			if endpoint.Conditions.Ready != nil && !*endpoint.Conditions.Ready {
				continue
			}
			for _, port := range slice.Ports {
				seen = append(seen, endpoint.Addresses[0]+":"+strconv.Itoa(int(*port.Port)))
			}
		}
	}
	slices.Sort(expected)
	if slices.Sort(seen); !slices.Equal(expected, seen) {
		return world.Failure(fmt.Sprintf("Service %s/%s has the endpoints %s, the Pods of %s", namespace, name, strings.Join(expected, ", "), owner),
			strings.Join(seen, ", "), fmt.Sprintf("kubectl get endpointslices -n %s -o yaml", namespace))
	}
	return nil
}

func (s serviceSteps) runOnNodes(ctx context.Context, owner string, expected int) error {
	pods, err := s.podsOf(ctx, owner)
	if err != nil {
		return err
	}
	nodes := map[string]bool{}
	var seen []string
	for _, pod := range pods {
		nodes[pod.Spec.NodeName] = true
		seen = append(seen, pod.Name+" on "+pod.Spec.NodeName)
	}
	if len(nodes) != expected {
		return world.Failure(fmt.Sprintf("the Pods of %s run on %d nodes", owner, expected), strings.Join(seen, ", "), "the topologySpreadConstraints of the Pods")
	}
	return nil
}

func (s serviceSteps) avoidNode(ctx context.Context, owner, node string) error {
	pods, err := s.podsOf(ctx, owner)
	if err != nil {
		return err
	}
	for _, pod := range pods {
		if pod.Spec.NodeName == node {
			return world.Failure(fmt.Sprintf("no Pod of %s runs on %s", owner, node), pod.Name+" does", "the node affinity of the Pods")
		}
	}
	return nil
}

// grantsExactly compares the permissions of a role. Resources are written as by kubectl describe, with their API group:
// "ingresses.networking.k8s.io/status".
func (s serviceSteps) grantsExactly(ctx context.Context, name string, table *godog.Table) error {
	lines, err := arguments.Rows(table, "Resources", "Verbs")
	if err != nil {
		return err
	}
	role, err := s.objects.Workloads.Clientset.RbacV1().ClusterRoles().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("reading ClusterRole %s: %w", name, err)
	}
	expected := map[string]bool{}
	for _, line := range lines {
		for _, verb := range strings.Fields(line["Verbs"]) {
			expected[line["Resources"]+" "+verb] = true
		}
	}
	granted := permissions(role.Rules)
	var problems []string
	for permission := range expected {
		if !granted[permission] {
			problems = append(problems, "missing: "+permission)
		}
	}
	for permission := range granted {
		if !expected[permission] {
			problems = append(problems, "unexpected: "+permission)
		}
	}
	if len(problems) > 0 {
		return world.Failure("exactly the permissions in the table", strings.Join(slices.Sorted(slices.Values(problems)), ", "), "kubectl describe clusterrole "+name)
	}
	return nil
}

// permissions returns the rules as a set of "RESOURCE VERB", or "RESOURCE VERB NAME,NAME" if limited to these names, or
// "PATH VERB".
func permissions(rules []rbacv1.PolicyRule) map[string]bool {
	all := map[string]bool{}
	for _, rule := range rules {
		suffix := ""
		if len(rule.ResourceNames) > 0 {
			suffix = " " + strings.Join(rule.ResourceNames, ",")
		}
		for _, verb := range rule.Verbs {
			for _, url := range rule.NonResourceURLs {
				all[url+" "+verb] = true
			}
			for _, group := range rule.APIGroups {
				for _, resource := range rule.Resources {
					resource, subresource, _ := strings.Cut(resource, "/")
					if group != "" {
						resource += "." + group
					}
					if subresource != "" {
						resource += "/" + subresource
					}
					all[resource+" "+verb+suffix] = true
				}
			}
		}
	}
	return all
}
