// Package setup makes the objects that the namespaces of a case hold besides the case's own: Services of the record's
// backends, with their endpoints, and Secrets.
//
// The backends' Pods run once, in a namespace of their own. Each case has Services without a selector, whose endpoints are
// those Pods, so that cases are isolated by their namespaces and nevertheless cheap.
package setup

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/utils/ptr"

	"github.com/ingress-testbed/testbed/steps/replay/record"
)

// Setup are the backends of a record.
type Setup struct {
	Deployments []*appsv1.Deployment
	Services    []*corev1.Service
	// Slices are the EndpointSlices of Services without a selector. Their addresses may be "${address of DEPLOYMENT}".
	Slices []*discoveryv1.EndpointSlice
}

// Parse reads the manifests of a record's setup. Kinds other than Deployment, Service and EndpointSlice are an error.
func Parse(manifests []byte) (*Setup, error) {
	s := &Setup{}
	reader := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(manifests)))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return s, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", record.SetupFile, err)
		}
		content, err := yaml.ToJSON(document)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", record.SetupFile, err)
		}
		if string(content) == "null" { // only comments
			continue
		}
		object, _, err := scheme.Codecs.UniversalDeserializer().Decode(content, nil, nil)
		if err != nil {
			return nil, fmt.Errorf("decoding an object of %s: %w", record.SetupFile, err)
		}
		switch o := object.(type) {
		case *appsv1.Deployment:
			s.Deployments = append(s.Deployments, o)
		case *corev1.Service:
			s.Services = append(s.Services, o)
		case *discoveryv1.EndpointSlice:
			s.Slices = append(s.Slices, o)
		default:
			return nil, fmt.Errorf("%s has an object of the kind %s: only Deployments, Services and EndpointSlices are supported",
				record.SetupFile, object.GetObjectKind().GroupVersionKind().Kind)
		}
	}
}

// Needed lists the Services that a case may refer to: those whose names are words of its objects.
func (s *Setup) Needed(one *record.Case) []string {
	words := map[string]bool{}
	var collect func(value any)
	collect = func(value any) {
		switch v := value.(type) {
		case string:
			for _, word := range strings.FieldsFunc(v, func(r rune) bool { return !isName(r) }) {
				words[word] = true
			}
		case map[string]any:
			for _, inner := range v {
				collect(inner)
			}
		case record.Object:
			collect(map[string]any(v))
		case []any:
			for _, inner := range v {
				collect(inner)
			}
		}
	}
	for _, object := range one.Objects {
		collect(object)
	}
	var names []string
	for _, service := range s.Services {
		if words[service.Name] {
			names = append(names, service.Name)
		}
	}
	return names
}

func isName(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-'
}

// ServicesIn returns Services of those names in a namespace, with their EndpointSlices. pods are those of the Deployments.
func (s *Setup) ServicesIn(namespace string, names []string, pods []corev1.Pod) ([]runtime.Object, error) {
	var all []runtime.Object
	for _, original := range s.Services {
		if !slices.Contains(names, original.Name) {
			continue
		}
		service := original.DeepCopy()
		service.Namespace = namespace
		service.Spec.Selector = nil
		service.Spec.ExternalName = strings.ReplaceAll(service.Spec.ExternalName, "${namespace}", namespace)
		all = append(all, service)
		if len(original.Spec.Selector) > 0 && original.Spec.Type != corev1.ServiceTypeExternalName {
			all = append(all, endpoints(original, namespace, pods))
		}
	}
	for _, original := range s.Slices {
		if !slices.Contains(names, original.Labels[discoveryv1.LabelServiceName]) {
			continue
		}
		slice := original.DeepCopy()
		slice.Namespace = namespace
		for i := range slice.Endpoints {
			for k, address := range slice.Endpoints[i].Addresses {
				bound, err := addressOf(address, pods)
				if err != nil {
					return nil, fmt.Errorf("EndpointSlice %s: %w", slice.Name, err)
				}
				slice.Endpoints[i].Addresses[k] = bound
			}
		}
		all = append(all, slice)
	}
	return all, nil
}

// endpoints is the EndpointSlice that Kubernetes would make for a Service with a selector.
func endpoints(service *corev1.Service, namespace string, pods []corev1.Pod) *discoveryv1.EndpointSlice {
	slice := &discoveryv1.EndpointSlice{
		TypeMeta: metav1.TypeMeta{APIVersion: discoveryv1.SchemeGroupVersion.String(), Kind: "EndpointSlice"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: service.Name + "-record",
			Labels: map[string]string{discoveryv1.LabelServiceName: service.Name, discoveryv1.LabelManagedBy: "ingress-testbed"},
		},
		AddressType: discoveryv1.AddressTypeIPv4,
	}
	for _, port := range service.Spec.Ports {
		target := port.TargetPort.IntVal
		if port.TargetPort.Type == intstr.Int && target == 0 {
			target = port.Port
		}
		slice.Ports = append(slice.Ports, discoveryv1.EndpointPort{
			Name: ptr.To(port.Name), Port: ptr.To(target), Protocol: ptr.To(corev1.ProtocolTCP),
		})
	}
	selector := labels.SelectorFromSet(service.Spec.Selector)
	for _, pod := range pods {
		if selector.Matches(labels.Set(pod.Labels)) {
			if strings.Contains(pod.Status.PodIP, ":") {
				slice.AddressType = discoveryv1.AddressTypeIPv6
			}
			slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{
				Addresses:  []string{pod.Status.PodIP},
				Conditions: discoveryv1.EndpointConditions{Ready: ptr.To(true), Serving: ptr.To(true), Terminating: ptr.To(false)},
			})
		}
	}
	return slice
}

// addressOf replaces "${address of DEPLOYMENT}" by the address of one of its Pods. The label app has its name.
func addressOf(text string, pods []corev1.Pod) (string, error) {
	name, isPlaceholder := strings.CutPrefix(text, "${address of ")
	if !isPlaceholder {
		return text, nil
	}
	name = strings.TrimSuffix(name, "}")
	for _, pod := range pods {
		if pod.Labels["app"] == name {
			return pod.Status.PodIP, nil
		}
	}
	return "", fmt.Errorf("no Pod has the label app: %s of %s", name, text)
}
