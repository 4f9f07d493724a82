// Package testbed renders the installation of the test-bed's own ingress controller from its chart.
package testbed

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/fixtures/certificates"
	"github.com/ingress-testbed/testbed/fixtures/charts"
	"github.com/ingress-testbed/testbed/steps/subject"
)

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

// Source renders installations. Its methods may be called from several goroutines.
type Source struct {
	options Options

	mu           sync.Mutex
	certificates map[string]map[string]any // values of the chart, by namespace
}

var _ subject.Source = (*Source)(nil)

// New returns a source of installations.
func New(options Options) *Source {
	return &Source{options: options, certificates: map[string]map[string]any{}}
}

// Description identifies the controller in reports.
func (s *Source) Description() string { return "the test-bed's own" }

// Render renders the controller for the settings of a feature file. The error for an unknown setting lists the known ones.
func (s *Source) Render(given map[string]string) (subject.Installation, error) {
	release := charts.DefaultRelease()
	release.Namespace = cmp.Or(s.options.Namespace, release.Namespace)
	values := map[string]any{}
	if s.options.FreeNodePorts {
		for _, name := range []string{"http", "https"} {
			if err := set(values, int64(0), "controller", "service", "nodePorts", name); err != nil {
				return subject.Installation{}, err
			}
		}
	}
	target := settings{release: &release, values: values, noNodePorts: s.options.NoNodePorts}
	for name, value := range given {
		if err := target.apply(name, value); err != nil {
			return subject.Installation{}, err
		}
	}
	installation, _, err := s.RenderRelease(release, values)
	return installation, err
}

// RenderRelease renders a Helm release. The values that it returns are the given ones, with those that the options require
// and, for the webhook, a certificate that is the same for all revisions.
func (s *Source) RenderRelease(release charts.Release, given map[string]any) (subject.Installation, map[string]any, error) {
	values, err := s.complete(release, given)
	if err != nil {
		return subject.Installation{}, nil, err
	}
	rendered, err := charts.Render(values, release, nil)
	if err != nil {
		return subject.Installation{}, nil, err
	}
	installation, err := describe(rendered)
	if err != nil {
		return subject.Installation{}, nil, err
	}
	installation.Namespace = release.Namespace
	installation.Objects = append([]*unstructured.Unstructured{charts.Namespace(release.Namespace)}, rendered...)
	return installation, values, nil
}

// complete adds to the given values what they leave open.
func (s *Source) complete(release charts.Release, given map[string]any) (map[string]any, error) {
	values := (&unstructured.Unstructured{Object: given}).DeepCopy().Object
	if values == nil {
		values = map[string]any{}
	}
	if s.options.NoNodePorts != "" {
		ports, _, err := unstructured.NestedMap(values, "controller", "service", "nodePorts")
		if err != nil {
			return nil, fmt.Errorf("reading the values of the chart: %w", err)
		}
		for name, port := range ports {
			if text := fmt.Sprint(port); text != "" && text != "0" {
				return nil, fmt.Errorf("the scenario sets controller.service.nodePorts.%s to %s: %s: %w", name, text, s.options.NoNodePorts, clusters.ErrUnsupported)
			}
		}
	}
	certificate, err := s.certificate(release.Namespace)
	if err != nil {
		return nil, err
	}
	for _, addition := range []struct {
		value any
		path  []string
	}{
		{s.options.IngressClass, []string{"controller", "ingressClassResource", "name"}},
		{s.options.Suffix, []string{"clusterResourceSuffix"}},
		{s.options.ServiceType, []string{"controller", "service", "type"}},
		{certificate, []string{"controller", "admissionWebhooks", "certificate"}},
	} {
		if _, found, err := unstructured.NestedFieldNoCopy(values, addition.path...); err != nil || found || addition.value == "" {
			continue // an error is about the given values, which rendering reports
		}
		if err := set(values, addition.value, addition.path...); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// certificate returns a certificate for the Services of a namespace as values of the chart.
func (s *Source) certificate(namespace string) (map[string]any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if made := s.certificates[namespace]; made != nil {
		return made, nil
	}
	issuer, err := certificates.NewAuthority("webhooks of " + namespace)
	if err != nil {
		return nil, err
	}
	pair, err := issuer.Issue(certificates.Leaf{Hosts: []string{"*." + namespace + ".svc"}})
	if err != nil {
		return nil, err
	}
	made := map[string]any{"crt": string(pair.Certificate), "key": string(pair.Key), "ca": string(issuer.PEM())}
	s.certificates[namespace] = made
	return made, nil
}

// describe finds the names of an installation in its objects.
func describe(rendered []*unstructured.Unstructured) (subject.Installation, error) {
	installation := subject.Installation{Dump: []string{"/controller", "dump"}, Explain: []string{"/controller", "explain"}}
	for _, object := range rendered {
		switch object.GetKind() {
		case "ClusterRole":
			installation.Instance = object.GetName()
		case "IngressClass":
			installation.IngressClass = object.GetName()
		case "ConfigMap":
			installation.Settings = append(installation.Settings, object.GetName())
		case "Deployment", "DaemonSet":
			installation.Service = object.GetName() // it has the same name
			labels, _, err := unstructured.NestedStringMap(object.Object, "spec", "selector", "matchLabels")
			if err != nil {
				return subject.Installation{}, fmt.Errorf("reading the selector of the controller: %w", err)
			}
			var terms []string
			for name, value := range labels {
				terms = append(terms, name+"="+value)
			}
			slices.Sort(terms)
			installation.Selector = strings.Join(terms, ",")
		}
	}
	return installation, nil
}
