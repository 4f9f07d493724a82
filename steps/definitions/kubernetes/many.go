package kubernetes

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"

	"github.com/ingress-testbed/testbed/steps/objects"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
	"github.com/ingress-testbed/testbed/steps/world"
)

const (
	// maxMany bounds the Ingresses of one step, maxEndpoints the endpoints of each of their Services.
	maxMany, maxEndpoints = 20_000, 10
	// creators is how many objects are created at the same time.
	creators = 16
)

// manySteps make clusters large.
type manySteps struct {
	objects      *objects.API
	placeholders Placeholders
}

func (m manySteps) definitions() []vocabulary.Definition {
	return []vocabulary.Definition{
		{
			Pattern: `(\d+) Ingresses exist, each with a Service of (\d+) endpoints`,
			Example: `10000 Ingresses exist, each with a Service of 3 endpoints`,
			Handler: m.create,
			Uses:    vocabulary.Cluster,
		},
	}
}

// create creates Ingresses, headless Services and EndpointSlices, which go with the scenario's namespace. The endpoints don't
// exist: their addresses are those for benchmarks (RFC 2544).
func (m manySteps) create(ctx context.Context, count, endpoints int) error {
	if count < 1 || count > maxMany || endpoints < 1 || endpoints > maxEndpoints {
		return fmt.Errorf("there can be 1 to %d Ingresses with 1 to %d endpoints each, not %d with %d", maxMany, maxEndpoints, count, endpoints)
	}
	class, err := m.placeholders.Value(ctx, "ingress class")
	if err != nil {
		return err
	}
	config := rest.CopyConfig(m.objects.Workloads.Config)
	config.QPS = -1 // no limit beside that of the API server
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("creating a Kubernetes client: %w", err)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(creators)
	for i := range count {
		group.Go(func() error { return createOne(ctx, client, class, i, endpoints) })
	}
	return group.Wait()
}

func createOne(ctx context.Context, client kubernetes.Interface, class string, number, endpoints int) error {
	namespace := world.From(ctx).Namespace
	meta := metav1.ObjectMeta{Name: fmt.Sprintf("many-%d", number)}
	if _, err := client.CoreV1().Services(namespace.Name).Create(ctx, manyService(meta), metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("creating Service %s: %w", meta.Name, err)
	}
	if _, err := client.DiscoveryV1().EndpointSlices(namespace.Name).Create(ctx, manySlice(meta, number, endpoints), metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("creating EndpointSlice %s: %w", meta.Name, err)
	}
	ingress := manyIngress(meta, class, meta.Name+"."+namespace.Domain)
	if _, err := client.NetworkingV1().Ingresses(namespace.Name).Create(ctx, ingress, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("creating Ingress %s: %w", meta.Name, err)
	}
	return nil
}

// manyService has no cluster IP: only the ingress controller has to deal with it, not the nodes.
func manyService(meta metav1.ObjectMeta) *corev1.Service {
	return &corev1.Service{ObjectMeta: meta, Spec: corev1.ServiceSpec{
		ClusterIP: corev1.ClusterIPNone, Ports: []corev1.ServicePort{{Name: "http", Port: 80}},
	}}
}

func manySlice(meta metav1.ObjectMeta, number, endpoints int) *discoveryv1.EndpointSlice {
	meta.Labels = map[string]string{discoveryv1.LabelServiceName: meta.Name}
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: meta, AddressType: discoveryv1.AddressTypeIPv4,
		Ports: []discoveryv1.EndpointPort{{Name: ptr.To("http"), Port: ptr.To[int32](80)}},
	}
	for i := range endpoints {
		n := number*maxEndpoints + i
		slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{
			Addresses:  []string{fmt.Sprintf("198.%d.%d.%d", 18+n>>16&1, n>>8&255, n&255)},
			Conditions: discoveryv1.EndpointConditions{Ready: ptr.To(true)},
		})
	}
	return slice
}

func manyIngress(meta metav1.ObjectMeta, class, host string) *networkingv1.Ingress {
	service := &networkingv1.IngressServiceBackend{Name: meta.Name, Port: networkingv1.ServiceBackendPort{Number: 80}}
	return &networkingv1.Ingress{ObjectMeta: meta, Spec: networkingv1.IngressSpec{
		IngressClassName: &class,
		Rules: []networkingv1.IngressRule{{Host: host, IngressRuleValue: networkingv1.IngressRuleValue{
			HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{{
				Path: "/", PathType: ptr.To(networkingv1.PathTypePrefix), Backend: networkingv1.IngressBackend{Service: service},
			}}},
		}}},
	}}
}
