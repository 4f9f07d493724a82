package steps

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ingress-testbed/testbed/steps/client"
	"github.com/ingress-testbed/testbed/steps/objects"
)

// Installed is an ingress controller that is in the cluster already, and is judged as it is: nothing of it is changed.
// It is known by the IngressClass that it serves and the Service that leads to it.
type Installed struct {
	Objects *objects.API
	// IngressClass that it serves.
	IngressClass string
	// Namespace and Service that leads to its Pods, with a port for HTTP and one for HTTPS.
	Namespace, Service string
	// ByClusterIP says that the client outside is one that reaches a Service when it is asked to connect to the Service's
	// cluster IP, instead of a node port: through a load balancer, or by a forwarded port.
	ByClusterIP bool

	// checked is set by Check.
	checked *Controller
	images  []string
}

var _ IngressController = (*Installed)(nil)

// Check finds the controller.
func (i *Installed) Check(ctx context.Context) error {
	service, err := i.service(ctx)
	if err != nil {
		return err
	}
	_, err = i.Objects.Clientset.NetworkingV1().IngressClasses().Get(ctx, i.IngressClass, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return i.unknownClass(ctx)
	}
	if err != nil {
		return fmt.Errorf("reading IngressClass %s: %w", i.IngressClass, err)
	}
	if len(service.Spec.Selector) == 0 {
		return fmt.Errorf("the Service %s/%s selects no Pods: give the one that leads to the ingress controller's", i.Namespace, i.Service)
	}
	// A node's address is not known yet; whether there are ports is.
	if _, err := i.entryAt(service, netip.IPv4Unspecified()); err != nil {
		return err
	}
	selector := metav1.FormatLabelSelector(metav1.SetAsLabelSelector(service.Spec.Selector))
	pods, err := i.Objects.ReadyPods(ctx, i.Namespace, selector)
	if err != nil {
		return fmt.Errorf("finding the Pods of the ingress controller: %w", err)
	}
	for _, container := range pods[0].Spec.Containers {
		i.images = append(i.images, container.Image)
	}
	i.checked = &Controller{
		Namespace: i.Namespace, Service: i.Service, Selector: selector, IngressClass: i.IngressClass, ServesLater: true,
	}
	if policy := service.Spec.ExternalTrafficPolicy; policy != corev1.ServiceExternalTrafficPolicyLocal {
		i.checked.HidesClient = fmt.Sprintf("the controller's Service %s/%s has not the externalTrafficPolicy Local, so that nodes put their own address "+
			"in the place of the client's", i.Namespace, i.Service)
	}
	return nil
}

func (i *Installed) service(ctx context.Context) (*corev1.Service, error) {
	service, err := i.Objects.Clientset.CoreV1().Services(i.Namespace).Get(ctx, i.Service, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("the cluster has no Service %s/%s: give the one that leads to the ingress controller (kubectl get services -A)",
			i.Namespace, i.Service)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the ingress controller's Service %s/%s: %w", i.Namespace, i.Service, err)
	}
	return service, nil
}

func (i *Installed) unknownClass(ctx context.Context) error {
	list, err := i.Objects.Clientset.NetworkingV1().IngressClasses().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("listing the IngressClasses: %w", err)
	}
	var known []string
	for _, class := range list.Items {
		known = append(known, class.Name)
	}
	return fmt.Errorf("the cluster has no IngressClass %q; it has: %s", i.IngressClass, cmp.Or(strings.Join(known, ", "), "none"))
}

// Ensure finds where requests enter. A scenario that asks for settings is about a controller that can be given them.
func (i *Installed) Ensure(ctx context.Context, environment *Environment, settings map[string]string) (client.Entry, error) {
	if len(settings) > 0 {
		return client.Entry{}, fmt.Errorf("the scenario sets the ingress controller's %s, and the one of IngressClass %s is taken as it is: %w",
			strings.Join(slices.Sorted(maps.Keys(settings)), ", "), i.IngressClass, errOwnOnly)
	}
	service, err := i.service(ctx)
	if err != nil {
		return client.Entry{}, err
	}
	pod, err := i.Pod(ctx)
	if err != nil {
		return client.Entry{}, err
	}
	// The node of a Pod answers whatever the Service's traffic policy is.
	node, err := environment.node(ctx, pod.Spec.NodeName)
	if err != nil {
		return client.Entry{}, err
	}
	entry, err := i.entryAt(service, node.ExternalIP)
	if err != nil {
		return client.Entry{}, err
	}
	return entry, environment.waitAnswer(ctx, entry)
}

// entryAt is where the Service's ports for HTTP and HTTPS are reached: by its cluster IP, or at the node.
func (i *Installed) entryAt(service *corev1.Service, node netip.Addr) (client.Entry, error) {
	plain, plainErr := servicePort(service, 80, "http", "web")
	secure, secureErr := servicePort(service, 443, "https", "websecure")
	if err := errors.Join(plainErr, secureErr); err != nil {
		return client.Entry{}, err
	}
	if i.ByClusterIP {
		address, err := netip.ParseAddr(service.Spec.ClusterIP)
		if err != nil {
			return client.Entry{}, fmt.Errorf("the Service %s/%s has no cluster IP: give one that has", i.Namespace, i.Service)
		}
		return client.Entry{HTTP: netip.AddrPortFrom(address, portNumber(plain.Port)), HTTPS: netip.AddrPortFrom(address, portNumber(secure.Port))}, nil
	}
	if plain.NodePort == 0 || secure.NodePort == 0 {
		return client.Entry{}, fmt.Errorf("the Service %s/%s has no node ports, by which this cluster is reached: "+
			"make it one of type NodePort, or use --cluster kubeconfig with --reach load-balancer or port-forward", i.Namespace, i.Service)
	}
	return client.Entry{HTTP: netip.AddrPortFrom(node, portNumber(plain.NodePort)), HTTPS: netip.AddrPortFrom(node, portNumber(secure.NodePort))}, nil
}

// servicePort finds a port by its number, or else by one of the names that charts of ingress controllers give it.
func servicePort(service *corev1.Service, number int32, names ...string) (corev1.ServicePort, error) {
	var there []string
	for _, port := range service.Spec.Ports {
		if port.Port == number {
			return port, nil
		}
		there = append(there, fmt.Sprintf("%s %d", port.Name, port.Port))
	}
	for _, port := range service.Spec.Ports {
		if slices.Contains(names, port.Name) {
			return port, nil
		}
	}
	return corev1.ServicePort{}, fmt.Errorf("the Service %s/%s has no port %d, nor one named %s; it has: %s",
		service.Namespace, service.Name, number, strings.Join(names, " or "), cmp.Or(strings.Join(there, ", "), "none"))
}

// portNumber narrows a port, which the API server has made sure is one.
func portNumber(port int32) uint16 { return uint16(port) }

// Current is the controller as Check found it.
func (i *Installed) Current() (Controller, error) {
	if i.checked == nil {
		return Controller{}, errors.New("the ingress controller was not looked for")
	}
	return *i.checked, nil
}

// Pod is the ready Pod of the controller, or the first of several by name.
func (i *Installed) Pod(ctx context.Context) (corev1.Pod, error) {
	controller, err := i.Current()
	if err != nil {
		return corev1.Pod{}, err
	}
	pods, err := i.Objects.ReadyPods(ctx, controller.Namespace, controller.Selector)
	if err != nil {
		return corev1.Pod{}, fmt.Errorf("finding the ingress controller's Pod: %w", err)
	}
	return pods[0], nil
}

// Description names it with what its Pods run.
func (i *Installed) Description() string {
	return fmt.Sprintf("installed before the run: IngressClass %s, Service %s/%s, %s",
		i.IngressClass, i.Namespace, i.Service, strings.Join(i.images, ", "))
}

func (i *Installed) release() []*unstructured.Unstructured { return nil }
