package testbed

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/fixtures/charts"
)

// settings translates the settings of a feature file into values of the chart.
type settings struct {
	release     *charts.Release
	values      map[string]any
	noNodePorts string
}

// set sets a value of the chart.
func set(values map[string]any, value any, path ...string) error {
	if err := unstructured.SetNestedField(values, value, path...); err != nil {
		return fmt.Errorf("setting the chart's value %s: %w", strings.Join(path, "."), err)
	}
	return nil
}

// texts are the settings that are values of the chart as they are, and numbers those that are numbers.
func texts() map[string][]string {
	return map[string][]string{
		"name":                    {"fullnameOverride"},
		"node":                    {"controller", "nodeSelector", "kubernetes.io/hostname"},
		"IngressClass":            {"controller", "ingressClassResource", "name"},
		"controller class":        {"controller", "ingressClassResource", "controllerValue"},
		"external traffic policy": {"controller", "service", "externalTrafficPolicy"},
		"image tag":               {"controller", "image", "tag"},
		"log verbosity":           {"controller", "extraArgs", "v"},
	}
}

func numbers() map[string][]string {
	return map[string][]string{
		"replicas":        {"controller", "replicaCount"},
		"HTTP node port":  {"controller", "service", "nodePorts", "http"},
		"HTTPS node port": {"controller", "service", "nodePorts", "https"},
	}
}

// apply applies one setting.
func (s settings) apply(name, value string) error {
	if flag, ok := strings.CutPrefix(name, "flag "); ok {
		return set(s.values, value, "controller", "extraArgs", strings.TrimLeft(flag, "-"))
	}
	if key, ok := strings.CutPrefix(name, "config "); ok {
		return set(s.values, value, "controller", "config", key)
	}
	if done, err := s.applyStream(name, value); done {
		return err
	}
	if name == "namespace" {
		s.release.Namespace = value
		return nil
	}
	if path := texts()[name]; path != nil {
		return set(s.values, value, path...)
	}
	path := numbers()[name]
	if path == nil {
		known := slices.Concat([]string{"namespace", "flag NAME", "config KEY", "TCP PORT", "UDP PORT", "TCP node port PORT", "UDP node port PORT"},
			slices.Collect(maps.Keys(texts())), slices.Collect(maps.Keys(numbers())))
		slices.Sort(known)
		return fmt.Errorf("the ingress controller has no setting %q; it has: %s", name, strings.Join(known, ", "))
	}
	number, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return fmt.Errorf("the setting %q of the ingress controller must be a number, not %q", name, value)
	}
	if s.noNodePorts != "" && strings.HasSuffix(name, "node port") {
		return fmt.Errorf("the scenario sets the %s %d: %s: %w", name, number, s.noNodePorts, clusters.ErrUnsupported)
	}
	return set(s.values, number, path...)
}

// applyStream applies the settings of TCP and UDP services: "TCP 9000" is namespace/service:port, "TCP node port 9000" a
// number.
func (s settings) applyStream(name, value string) (done bool, err error) {
	protocol, rest, _ := strings.Cut(name, " ")
	if protocol != "TCP" && protocol != "UDP" {
		return false, nil
	}
	port, isNodePort := strings.CutPrefix(rest, "node port ")
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return false, nil //nolint:nilerr // the name is that of no setting
	}
	if !isNodePort {
		return true, set(s.values, value, strings.ToLower(protocol), port)
	}
	if s.noNodePorts != "" {
		return true, fmt.Errorf("the scenario sets the %s to %s: %s: %w", name, value, s.noNodePorts, clusters.ErrUnsupported)
	}
	return true, set(s.values, value, "controller", "service", "nodePorts", strings.ToLower(protocol), port)
}
