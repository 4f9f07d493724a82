// Package testbed renders the installation of the test-bed's own ingress controller.
package testbed

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/fixtures/manifests"
	"github.com/ingress-testbed/testbed/steps/subject"
)

// Render renders the controller with the names of the walkthroughs. The error for an unknown setting lists the known
// ones.
func Render(settings map[string]string) (subject.Installation, error) {
	return Options{}.Render(settings)
}

// Options choose what a feature file leaves open. The zero value is the installation of the walkthroughs.
type Options struct {
	// Namespace and IngressClass to create: "ingress" and "nginx" by default.
	Namespace, IngressClass string
	// Suffix of the names of cluster-scoped objects: none by default.
	Suffix string
	// ServiceType is "NodePort" by default.
	ServiceType string
	// FreeNodePorts lets the API server allocate the node ports that a feature file doesn't set. By default they are 30080
	// and 30443.
	FreeNodePorts bool
	// NoNodePorts is the reason why requests can't enter by node ports; "" if they can. The error for a feature file that
	// sets one then wraps clusters.ErrUnsupported.
	NoNodePorts string
}

// Render is a subject.Render.
func (o Options) Render(settings map[string]string) (subject.Installation, error) {
	chosen := manifests.ControllerSettings{
		Name: "ingress-nginx", Namespace: cmp.Or(o.Namespace, "ingress"), IngressClass: cmp.Or(o.IngressClass, "nginx"),
		Suffix: o.Suffix, ServiceType: o.ServiceType, ExtraArgs: map[string]string{}, Config: map[string]string{},
	}
	if o.FreeNodePorts {
		chosen.HTTPNodePort, chosen.HTTPSNodePort = manifests.AnyNodePort, manifests.AnyNodePort
	}
	for name, value := range settings {
		if err := o.set(&chosen, name, value); err != nil {
			return subject.Installation{}, err
		}
	}
	manifest, err := manifests.Controller(chosen)
	if err != nil {
		return subject.Installation{}, err
	}
	return subject.Installation{
		Manifest:  manifest,
		Namespace: chosen.Namespace,
		Service:   chosen.ControllerName(),
		Selector: "app.kubernetes.io/component=controller,app.kubernetes.io/instance=" + chosen.ClusterName() +
			",app.kubernetes.io/name=ingress-nginx",
		Instance: chosen.ClusterName(), IngressClass: chosen.IngressClass,
		Dump: []string{"/controller", "dump"},
	}, nil
}

// set applies one setting of a feature file.
func (o Options) set(chosen *manifests.ControllerSettings, name, value string) error {
	if flag, ok := strings.CutPrefix(name, "flag "); ok {
		chosen.ExtraArgs[strings.TrimLeft(flag, "-")] = value
		return nil
	}
	if key, ok := strings.CutPrefix(name, "config "); ok {
		chosen.Config[key] = value
		return nil
	}
	texts := map[string]*string{
		"name": &chosen.Name, "namespace": &chosen.Namespace, "node": &chosen.Node, "IngressClass": &chosen.IngressClass,
		"controller class": &chosen.ControllerClass, "external traffic policy": &chosen.ExternalTrafficPolicy, "image": &chosen.Image,
	}
	numbers := map[string]*int{
		"replicas": &chosen.Replicas, "HTTP node port": &chosen.HTTPNodePort, "HTTPS node port": &chosen.HTTPSNodePort,
	}
	switch {
	case name == "log verbosity":
		chosen.ExtraArgs["v"] = value
	case texts[name] != nil:
		*texts[name] = value
	case numbers[name] != nil:
		number, err := strconv.Atoi(value)
		if err != nil {
			return fmt.Errorf("the setting %q of the ingress controller must be a number, not %q", name, value)
		}
		if o.NoNodePorts != "" && strings.HasSuffix(name, "node port") {
			return fmt.Errorf("the scenario sets the %s %d: %s: %w", name, number, o.NoNodePorts, clusters.ErrUnsupported)
		}
		*numbers[name] = number
	default:
		known := slices.Concat([]string{"log verbosity", "flag NAME", "config KEY"},
			slices.Collect(maps.Keys(texts)), slices.Collect(maps.Keys(numbers)))
		slices.Sort(known)
		return fmt.Errorf("the ingress controller has no setting %q; it has: %s", name, strings.Join(known, ", "))
	}
	return nil
}
