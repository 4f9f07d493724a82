package world

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/cucumber/godog"
	messages "github.com/cucumber/messages/go/v21"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/steps"
	"github.com/ingress-testbed/testbed/steps/nodes"
	"github.com/ingress-testbed/testbed/steps/subject"
)

// placeholder is the form of a placeholder: ${client address}.
var placeholder = regexp.MustCompile(`\$\{([^{}]*)\}`)

var errUnknownPlaceholder = errors.New("known are: namespace, domain, client address, controller pod, controller address, controller cluster IP, " +
	"controller namespace, controller instance, ingress class, controller of the ingress class, address of POD-OR-DEPLOYMENT, cluster IP, load balancer, node port, " +
	"health check port of SERVICE, any node masquerade, and NODE, NODE address, NODE external address, NODE pod gateway, NODE pod range, NODE masquerade, " +
	"where NODE is control plane, worker 1 (2, …), controller node, or a node's name")

// Placeholders replaces the placeholders of feature files, which stand for values that depend on the running cluster.
type Placeholders struct{ environment *steps.Environment }

// NewPlaceholders returns the placeholders of an environment.
func NewPlaceholders(environment *steps.Environment) Placeholders { return Placeholders{environment} }

// ExpandArguments replaces the placeholders in a step's arguments. Doc strings and tables are copied, because they
// belong to the parsed feature file.
func (p Placeholders) ExpandArguments(ctx context.Context, arguments []reflect.Value) error {
	var problems []error
	expand := func(text string) string {
		expanded, err := p.Expand(ctx, text)
		problems = append(problems, err)
		return expanded
	}
	for i, argument := range arguments {
		switch value := argument.Interface().(type) {
		case string:
			arguments[i] = reflect.ValueOf(expand(value))
		case *godog.DocString:
			arguments[i] = reflect.ValueOf(&godog.DocString{MediaType: value.MediaType, Content: expand(value.Content)})
		case *godog.Table:
			table := &godog.Table{}
			for _, row := range value.Rows {
				cells := make([]*messages.PickleTableCell, 0, len(row.Cells))
				for _, cell := range row.Cells {
					cells = append(cells, &messages.PickleTableCell{Value: expand(cell.Value)})
				}
				table.Rows = append(table.Rows, &messages.PickleTableRow{Cells: cells})
			}
			arguments[i] = reflect.ValueOf(table)
		}
	}
	return errors.Join(problems...)
}

// Expand replaces the placeholders in a text. A placeholder's name may contain another one:
// ${cluster IP of ${controller namespace}/web}.
func (p Placeholders) Expand(ctx context.Context, text string) (string, error) {
	for range 2 { // the inner ones, and then the outer ones
		var problems []error
		text = placeholder.ReplaceAllStringFunc(text, func(match string) string {
			value, err := p.Value(ctx, match[2:len(match)-1])
			problems = append(problems, err)
			return value
		})
		if err := errors.Join(problems...); err != nil {
			return text, err
		}
	}
	return text, nil
}

// Value returns the value of a placeholder, by its name without ${ and }.
func (p Placeholders) Value(ctx context.Context, name string) (string, error) {
	name = strings.Join(strings.Fields(name), " ")
	value, err := p.value(ctx, name)
	if err != nil {
		return "", fmt.Errorf("placeholder ${%s}: %w", name, err)
	}
	return value, nil
}

func (p Placeholders) value(ctx context.Context, name string) (string, error) {
	switch name {
	case "namespace":
		return From(ctx).Namespace.Name, nil
	case "domain":
		return From(ctx).Namespace.Domain, nil
	case "client address":
		address, err := p.environment.ClientAddress()
		return address.String(), err
	case "controller pod":
		pod, err := p.environment.Controller.Pod(ctx)
		return pod.Name, err
	case "controller address":
		pod, err := p.environment.Controller.Pod(ctx)
		return pod.Status.PodIP, err
	case "controller namespace", "controller instance", "controller cluster IP", "ingress class":
		return p.installation(ctx, name)
	case "controller of the ingress class":
		return p.classController(ctx)
	}
	if owner, ok := strings.CutPrefix(name, "address of "); ok {
		return p.podAddress(ctx, owner)
	}
	if service, ok := strings.CutPrefix(name, "cluster IP of "); ok {
		return p.clusterIP(ctx, service)
	}
	if service, ok := strings.CutPrefix(name, "load balancer of "); ok {
		return p.loadBalancer(ctx, service)
	}
	if service, ok := strings.CutPrefix(name, "node port of "); ok {
		return p.nodePort(ctx, service)
	}
	if service, ok := strings.CutPrefix(name, "health check port of "); ok {
		return p.healthCheckPort(ctx, service)
	}
	return p.node(ctx, name)
}

// installation returns a property of the ingress controller's installation.
func (p Placeholders) installation(ctx context.Context, name string) (string, error) {
	installation, err := p.environment.Controller.Installation()
	if err != nil {
		return "", err
	}
	switch name {
	case "controller namespace":
		return installation.Namespace, nil
	case "controller instance":
		if installation.Instance == "" {
			return "", fmt.Errorf("the names of its cluster-scoped objects are unknown: %w", subject.ErrTestbedOnly)
		}
		return installation.Instance, nil
	case "controller cluster IP":
		return p.clusterIP(ctx, installation.Namespace+"/"+installation.Service)
	}
	return installation.IngressClass, nil
}

// classController returns the name that IngressClasses have which the controller serves.
func (p Placeholders) classController(ctx context.Context) (string, error) {
	installation, err := p.environment.Controller.Installation()
	if err != nil {
		return "", err
	}
	class, err := p.environment.Objects.Workloads.Clientset.NetworkingV1().IngressClasses().Get(ctx, installation.IngressClass, metav1.GetOptions{})
	if err != nil {
		return "", fmt.Errorf("reading IngressClass %s: %w", installation.IngressClass, err)
	}
	return class.Spec.Controller, nil
}

// podAddress returns the address of a Pod, or of the only Pod of a Deployment.
func (p Placeholders) podAddress(ctx context.Context, owner string) (string, error) {
	namespace, name := From(ctx).QualifyPods(owner)
	pods, err := p.environment.Objects.Workloads.PodsOf(ctx, namespace, name)
	if err != nil {
		return "", err
	}
	if len(pods) > 1 {
		return "", fmt.Errorf("%s has %d Pods instead of one", owner, len(pods))
	}
	return pods[0].Status.PodIP, nil
}

func (p Placeholders) service(ctx context.Context, service string) (*corev1.Service, error) {
	namespace, name := From(ctx).Qualify(service)
	found, err := p.environment.Objects.Workloads.Clientset.CoreV1().Services(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading Service %s/%s: %w", namespace, name, err)
	}
	return found, nil
}

func (p Placeholders) clusterIP(ctx context.Context, service string) (string, error) {
	found, err := p.service(ctx, service)
	if err != nil {
		return "", err
	}
	return found.Spec.ClusterIP, nil
}

// loadBalancer returns the first address of a Service's load balancer.
func (p Placeholders) loadBalancer(ctx context.Context, service string) (string, error) {
	found, err := p.service(ctx, service)
	if err != nil {
		return "", err
	}
	for _, ingress := range found.Status.LoadBalancer.Ingress {
		if ingress.IP != "" {
			return ingress.IP, nil
		}
	}
	return "", fmt.Errorf("service %s has no load balancer: an earlier step must wait for it", service)
}

// nodePort returns the node port of a Service's first port.
func (p Placeholders) nodePort(ctx context.Context, service string) (string, error) {
	found, err := p.service(ctx, service)
	if err != nil {
		return "", err
	}
	return portOf(service, "node port", found.Spec.Ports[0].NodePort)
}

func (p Placeholders) healthCheckPort(ctx context.Context, service string) (string, error) {
	found, err := p.service(ctx, service)
	if err != nil {
		return "", err
	}
	return portOf(service, "health check node port", found.Spec.HealthCheckNodePort)
}

func portOf(service, kind string, port int32) (string, error) {
	if port == 0 {
		return "", fmt.Errorf("service %s has no %s", service, kind)
	}
	return strconv.Itoa(int(port)), nil
}

// node returns the value of "NODE" or "NODE PROPERTY".
func (p Placeholders) node(ctx context.Context, name string) (string, error) {
	node, property := name, ""
	for _, known := range nodes.Properties() { // of two that match, the longer one: "external address" ends with "address"
		if before, ok := strings.CutSuffix(name, " "+known); ok && len(known) > len(property) {
			node, property = before, known
		}
	}
	found, err := p.findNode(ctx, node)
	if err != nil {
		return "", err
	}
	if property == "" {
		return found.Name, nil
	}
	return nodes.Property(found, property)
}

// findNode finds a node by its role or by its name.
func (p Placeholders) findNode(ctx context.Context, node string) (clusters.Node, error) {
	if number, ok := strings.CutPrefix(node, "worker "); ok {
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 {
			return clusters.Node{}, fmt.Errorf("%q is not the number of a worker: %w", number, errUnknownPlaceholder)
		}
		return p.environment.Nodes.Worker(n)
	}
	switch node {
	case "control plane":
		return p.environment.Nodes[0], nil
	case "any node":
		return p.environment.Nodes.Any(), nil
	case "controller node":
		pod, err := p.environment.Controller.Pod(ctx)
		if err != nil {
			return clusters.Node{}, err
		}
		return p.environment.Nodes.ByName(pod.Spec.NodeName)
	}
	found, err := p.environment.Nodes.ByName(node)
	if err != nil {
		return clusters.Node{}, errUnknownPlaceholder
	}
	return found, nil
}
