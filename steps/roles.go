package steps

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/cucumber/godog"
	messages "github.com/cucumber/messages/go/v21"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ingress-testbed/testbed/clusters"
)

// A role stands in a feature file for what only the running cluster knows: ${client address}. The forms are listed in
// the error for an unknown one.
var roleForm = regexp.MustCompile(`\$\{([^{}]*)\}`)

var errUnknownRole = errors.New("known are: namespace, domain, client address, controller pod, controller address, controller cluster IP, " +
	"controller namespace, controller instance, ingress class, address of POD-OR-DEPLOYMENT, cluster IP of SERVICE, " +
	"and NODE, NODE address, NODE external address, NODE pod gateway, NODE pod range, NODE masquerade, " +
	"where NODE is control plane, worker 1 (2, …), controller node, or a node's name")

// expandAll fills the roles into a step's arguments. Doc strings and tables are copied: they belong to the feature
// file.
func (s *scenario) expandAll(ctx context.Context, arguments []reflect.Value) error {
	var problems []error
	expand := func(text string) string {
		expanded, err := s.expand(ctx, text)
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

func (s *scenario) expand(ctx context.Context, text string) (string, error) {
	var problems []error
	expanded := roleForm.ReplaceAllStringFunc(text, func(match string) string {
		name := strings.Join(strings.Fields(match[2:len(match)-1]), " ")
		value, err := s.role(ctx, name)
		if err != nil {
			problems = append(problems, fmt.Errorf("what ${%s} is: %w", name, err))
		}
		return value
	})
	return expanded, errors.Join(problems...)
}

func (s *scenario) role(ctx context.Context, name string) (string, error) {
	switch name {
	case "namespace":
		return s.place.namespace, nil
	case "domain":
		return s.place.domain, nil
	case "client address":
		address, err := s.clientAddress()
		return address.String(), err
	case "controller cluster IP":
		controller, err := s.Controller.Current()
		if err != nil {
			return "", err
		}
		return s.clusterIPOf(ctx, controller.Namespace+"/"+controller.Service)
	case "controller namespace":
		controller, err := s.Controller.Current()
		return controller.Namespace, err
	case "controller instance":
		controller, err := s.Controller.Current()
		if err == nil && controller.Instance == "" {
			err = fmt.Errorf("the names of its cluster-wide objects are not known: %w", errOwnOnly)
		}
		return controller.Instance, err
	case "ingress class":
		controller, err := s.Controller.Current()
		return controller.IngressClass, err
	case "controller pod":
		pod, err := s.Controller.Pod(ctx)
		return pod.Name, err
	case "controller address":
		pod, err := s.Controller.Pod(ctx)
		return pod.Status.PodIP, err
	}
	if owner, ok := strings.CutPrefix(name, "address of "); ok {
		return s.addressOf(ctx, owner)
	}
	if service, ok := strings.CutPrefix(name, "cluster IP of "); ok {
		return s.clusterIPOf(ctx, service)
	}
	return s.nodeRole(ctx, name)
}

// clientAddress is where requests come from, as the nodes and the controller see it.
func (s *scenario) clientAddress() (netip.Addr, error) {
	if controller, err := s.Controller.Current(); err == nil && controller.HidesClient != "" {
		return netip.Addr{}, fmt.Errorf("%s: %w", controller.HidesClient, clusters.ErrUnsupported)
	}
	address := s.Cluster.Client().Addr()
	if !address.IsValid() {
		return address, fmt.Errorf("the address under which the cluster sees the client is not known: %w", clusters.ErrUnsupported)
	}
	return address, nil
}

func (s *scenario) addressOf(ctx context.Context, owner string) (string, error) {
	pods, err := s.podsOf(ctx, owner)
	if err != nil {
		return "", err
	}
	if len(pods) > 1 {
		return "", fmt.Errorf("%s has %d Pods, not one", owner, len(pods))
	}
	return pods[0].Status.PodIP, nil
}

func (s *scenario) clusterIPOf(ctx context.Context, service string) (string, error) {
	namespace, name := s.qualify(service)
	found, err := s.Objects.Clientset.CoreV1().Services(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return "", fmt.Errorf("reading Service %s/%s: %w", namespace, name, err)
	}
	return found.Spec.ClusterIP, nil
}

// qualify splits "namespace/name"; a name alone is in the scenario's namespace.
func (s *scenario) qualify(object string) (namespace, name string) {
	if namespace, name, qualified := strings.Cut(object, "/"); qualified {
		return namespace, name
	}
	return s.place.namespace, object
}

// nodeRole reads "NODE" and "NODE PROPERTY".
func (s *scenario) nodeRole(ctx context.Context, name string) (string, error) {
	nodes, err := s.Nodes(ctx)
	if err != nil {
		return "", err
	}
	who, property := name, ""
	for _, known := range []string{"address", "external address", "pod gateway", "pod range", "masquerade"} {
		if node, ok := strings.CutSuffix(name, " "+known); ok && len(known) > len(property) {
			who, property = node, known
		}
	}
	node, err := s.nodeByRole(ctx, nodes, who)
	if err != nil {
		return "", err
	}
	return nodeProperty(node, property)
}

func (s *scenario) nodeByRole(ctx context.Context, nodes []clusters.Node, who string) (clusters.Node, error) {
	if number, ok := strings.CutPrefix(who, "worker "); ok {
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 {
			return clusters.Node{}, fmt.Errorf("%q is not the number of a worker: %w", number, errUnknownRole)
		}
		if n >= len(nodes) {
			return clusters.Node{}, fmt.Errorf("a cluster with %d workers is needed, this one has %d: %w", n, len(nodes)-1, clusters.ErrUnsupported)
		}
		return nodes[n], nil
	}
	switch who {
	case "control plane":
		return nodes[0], nil
	case "controller node":
		pod, err := s.Controller.Pod(ctx)
		if err != nil {
			return clusters.Node{}, err
		}
		return s.node(ctx, pod.Spec.NodeName)
	}
	for _, node := range nodes {
		if node.Name == who {
			return node, nil
		}
	}
	return clusters.Node{}, errUnknownRole
}

func nodeProperty(node clusters.Node, property string) (string, error) {
	var value fmt.Stringer
	valid := true
	switch property {
	case "":
		return node.Name, nil
	case "address":
		value, valid = node.InternalIP, node.InternalIP.IsValid()
	case "external address":
		value, valid = node.ExternalIP, node.ExternalIP.IsValid()
	case "pod gateway":
		value, valid = node.PodGateway, node.PodGateway.IsValid()
	case "pod range":
		value, valid = node.PodCIDR, node.PodCIDR.IsValid()
	case "masquerade":
		return anyOf(node.Masquerade)
	}
	if !valid {
		return "", fmt.Errorf("the cluster doesn't tell the %s of node %s: %w", property, node.Name, clusters.ErrUnsupported)
	}
	return value.String(), nil
}

// anyOf is a pattern for one of the addresses, to be written where patterns are taken.
func anyOf(addresses []netip.Addr) (string, error) {
	if len(addresses) == 0 {
		return "", fmt.Errorf("the cluster doesn't tell which addresses its nodes masquerade with: %w", clusters.ErrUnsupported)
	}
	quoted := make([]string, 0, len(addresses))
	for _, address := range addresses {
		quoted = append(quoted, regexp.QuoteMeta(address.String()))
	}
	return "/" + strings.Join(quoted, "|") + "/", nil
}
