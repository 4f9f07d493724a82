package steps

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
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ingress-testbed/testbed/steps/objects"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
)

// services are the steps about Services, their endpoints, and the rights that reading them needs.
type services struct{ *scenario }

func (s *services) Definitions() []vocabulary.Definition {
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

// podsOf finds ready Pods: those of a Deployment, or the one of that name, in the scenario's namespace or, for
// "namespace/name", in another.
func (s *scenario) podsOf(ctx context.Context, owner string) ([]corev1.Pod, error) {
	namespace, name := s.qualify(owner)
	deployment, err := s.Objects.Clientset.AppsV1().Deployments(namespace).Get(ctx, name, metav1.GetOptions{})
	if err == nil {
		return s.Objects.ReadyPods(ctx, namespace, metav1.FormatLabelSelector(deployment.Spec.Selector))
	}
	if !apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("reading Deployment %s/%s: %w", namespace, name, err)
	}
	pod, err := s.Objects.Clientset.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("%w: namespace %s has neither a Deployment nor a Pod %q", objects.ErrNoPod, namespace, name)
	}
	if err != nil {
		return nil, fmt.Errorf("reading Pod %s/%s: %w", namespace, name, err)
	}
	return []corev1.Pod{*pod}, nil
}

// haveEndpoints compares the ready endpoints in a Service's slices with the addresses of Pods. The columns are
// Service, Pods (of a Deployment, or one) and ports.
func (s *services) haveEndpoints(ctx context.Context, table *godog.Table) error {
	lines, err := rows(table, "Service", "Pods", "ports")
	if err != nil {
		return err
	}
	var problems []error
	for _, line := range lines {
		problems = append(problems, s.hasEndpoints(ctx, line["Service"], line["Pods"], line["ports"]))
	}
	return errors.Join(problems...)
}

func (s *services) hasEndpoints(ctx context.Context, service, owner, ports string) error {
	namespace, name := s.qualify(service)
	pods, err := s.podsOf(ctx, owner)
	if err != nil {
		return err
	}
	var wanted []string
	for _, pod := range pods {
		for port := range strings.SplitSeq(ports, ",") {
			wanted = append(wanted, pod.Status.PodIP+":"+strings.TrimSpace(port))
		}
	}
	slicesOfService, err := s.Objects.Endpoints(ctx, namespace, name)
	if err != nil {
		return err
	}
	var seen []string
	for _, slice := range slicesOfService {
		for _, endpoint := range slice.Endpoints {
			if endpoint.Conditions.Ready != nil && !*endpoint.Conditions.Ready {
				continue
			}
			for _, port := range slice.Ports {
				seen = append(seen, endpoint.Addresses[0]+":"+strconv.Itoa(int(*port.Port)))
			}
		}
	}
	if slices.Sort(seen); !slices.Equal(sorted(wanted), seen) {
		return failure(fmt.Sprintf("Service %s/%s has the endpoints %s, the Pods of %s", namespace, name, strings.Join(sorted(wanted), ", "), owner),
			strings.Join(seen, ", "), fmt.Sprintf("kubectl get endpointslices -n %s -o yaml", namespace))
	}
	return nil
}

func sorted(values []string) []string {
	slices.Sort(values)
	return values
}

func (s *services) runOnNodes(ctx context.Context, owner string, wanted int) error {
	pods, err := s.podsOf(ctx, owner)
	if err != nil {
		return err
	}
	where := map[string]bool{}
	var seen []string
	for _, pod := range pods {
		where[pod.Spec.NodeName] = true
		seen = append(seen, pod.Name+" on "+pod.Spec.NodeName)
	}
	if len(where) != wanted {
		return failure(fmt.Sprintf("the Pods of %s run on %d nodes", owner, wanted), strings.Join(seen, ", "), "the topologySpreadConstraints of the Pods")
	}
	return nil
}

func (s *services) avoidNode(ctx context.Context, owner, node string) error {
	pods, err := s.podsOf(ctx, owner)
	if err != nil {
		return err
	}
	for _, pod := range pods {
		if pod.Spec.NodeName == node {
			return failure(fmt.Sprintf("no Pod of %s runs on %s", owner, node), pod.Name+" does", "the node affinity of the Pods")
		}
	}
	return nil
}

// grantsExactly compares a role's rules, as a set of resource and verb. Resources are written as kubectl describe
// writes them, with their group behind them: "ingresses.networking.k8s.io/status".
func (s *services) grantsExactly(ctx context.Context, name string, table *godog.Table) error {
	lines, err := rows(table, "Resources", "Verbs")
	if err != nil {
		return err
	}
	role, err := s.Objects.Clientset.RbacV1().ClusterRoles().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("reading ClusterRole %s: %w", name, err)
	}
	wanted := map[string]bool{}
	for _, line := range lines {
		for _, verb := range strings.Fields(line["Verbs"]) {
			wanted[line["Resources"]+" "+verb] = true
		}
	}
	granted := rights(role.Rules)
	var problems []string
	for right := range wanted {
		if !granted[right] {
			problems = append(problems, "without "+right)
		}
	}
	for right := range granted {
		if !wanted[right] {
			problems = append(problems, "with "+right)
		}
	}
	if len(problems) > 0 {
		return failure("the rights in the table and no others", strings.Join(sorted(problems), ", "), "kubectl describe clusterrole "+name)
	}
	return nil
}

// rights are the rules as a set of "resource verb". A rule for certain names or for paths is told apart from others.
func rights(rules []rbacv1.PolicyRule) map[string]bool {
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
