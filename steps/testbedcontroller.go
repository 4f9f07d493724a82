package steps

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/fixtures/manifests"
)

// TestbedController renders the test-bed's own controller with the walkthrough's names. Its settings are those in the
// error for an unknown one.
func TestbedController(settings map[string]string) (Controller, error) {
	return Installation{}.Render(settings)
}

// Installation says how the test-bed's own controller is installed, where a feature file doesn't say. The zero value is
// the walkthrough's.
type Installation struct {
	// Namespace and IngressClass are made for it: "ingress" and "nginx".
	Namespace, IngressClass string
	// Suffix of the names of its cluster-scoped objects: none.
	Suffix string
	// ServiceType: "NodePort".
	ServiceType string
	// FreeNodePorts lets the cluster choose node ports, where a feature file names none: 30080 and 30443.
	FreeNodePorts bool
	// NoNodePorts says why requests can't go to node ports of a feature file's choice. Empty if they can.
	NoNodePorts string
}

// Render is a Render.
func (i Installation) Render(settings map[string]string) (Controller, error) {
	// The names are needed here too, so the defaults that matter are written down.
	chosen := manifests.ControllerSettings{
		Name: "ingress-nginx", Namespace: cmp.Or(i.Namespace, "ingress"), IngressClass: cmp.Or(i.IngressClass, "nginx"),
		Suffix: i.Suffix, ServiceType: i.ServiceType, ExtraArgs: map[string]string{}, Config: map[string]string{},
	}
	if i.FreeNodePorts {
		chosen.HTTPNodePort, chosen.HTTPSNodePort = manifests.AnyNodePort, manifests.AnyNodePort
	}
	texts := map[string]*string{
		"name": &chosen.Name, "namespace": &chosen.Namespace, "node": &chosen.Node, "IngressClass": &chosen.IngressClass,
		"controller class": &chosen.ControllerClass, "external traffic policy": &chosen.ExternalTrafficPolicy, "image": &chosen.Image,
	}
	numbers := map[string]*int{
		"replicas": &chosen.Replicas, "HTTP node port": &chosen.HTTPNodePort, "HTTPS node port": &chosen.HTTPSNodePort,
	}
	for name, value := range settings {
		if flag, ok := strings.CutPrefix(name, "flag "); ok {
			chosen.ExtraArgs[strings.TrimLeft(flag, "-")] = value
			continue
		}
		if key, ok := strings.CutPrefix(name, "config "); ok {
			chosen.Config[key] = value
			continue
		}
		if name == "log verbosity" {
			chosen.ExtraArgs["v"] = value
			continue
		}
		if text, ok := texts[name]; ok {
			*text = value
			continue
		}
		number, ok := numbers[name]
		if !ok {
			known := []string{"log verbosity", "flag NAME", "config KEY"}
			for name := range texts {
				known = append(known, name)
			}
			for name := range numbers {
				known = append(known, name)
			}
			return Controller{}, unknownSetting(name, known)
		}
		parsed, err := strconv.Atoi(value)
		if err != nil {
			return Controller{}, fmt.Errorf("the setting %q of the ingress controller must be a number, not %q", name, value)
		}
		if i.NoNodePorts != "" && (number == &chosen.HTTPNodePort || number == &chosen.HTTPSNodePort) {
			return Controller{}, fmt.Errorf("the scenario asks for the %s %d: %s: %w", name, parsed, i.NoNodePorts, clusters.ErrUnsupported)
		}
		*number = parsed
	}
	manifest, err := manifests.Controller(chosen)
	if err != nil {
		return Controller{}, err
	}
	return Controller{
		Manifest:  manifest,
		Namespace: chosen.Namespace,
		Service:   chosen.ControllerName(),
		Selector: "app.kubernetes.io/component=controller,app.kubernetes.io/instance=" + chosen.ClusterName() +
			",app.kubernetes.io/name=ingress-nginx",
		Instance: chosen.ClusterName(), IngressClass: chosen.IngressClass,
		Dump: []string{"/controller", "dump"},
	}, nil
}
