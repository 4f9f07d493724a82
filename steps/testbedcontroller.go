package steps

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ingress-testbed/testbed/fixtures/manifests"
)

// TestbedController renders the test-bed's own controller. Its settings are those in the error for an unknown one.
func TestbedController(settings map[string]string) (Controller, error) {
	// The names are needed here too, so the defaults that matter are written down.
	chosen := manifests.ControllerSettings{Name: "ingress-nginx", Namespace: "ingress", ExtraArgs: map[string]string{}, Config: map[string]string{}}
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
		Dump: []string{"/controller", "dump"},
	}, nil
}
