package subject

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ingress-testbed/testbed/steps/client"
	"github.com/ingress-testbed/testbed/steps/helm"
)

// Reference identifies an existing ingress controller.
type Reference struct {
	// IngressClass that the controller serves.
	IngressClass string
	// Namespace and name of the Service that selects its Pods, with a port for HTTP and one for HTTPS.
	Namespace, Service string
	// ByClusterIP is set if the client outside reaches the Service when it connects to the Service's cluster IP instead of
	// a node port: through a load balancer, or through a forwarded port.
	ByClusterIP bool
}

// Existing is an ingress controller that was installed before the run, which doesn't change it.
type Existing struct {
	cluster   Cluster
	reference Reference

	mu    sync.Mutex
	found *Installation // by Check
	// images of the Pods' containers.
	images []string
}

var _ Controller = (*Existing)(nil)

// NewExisting returns the controller that the reference identifies; Check finds it.
func NewExisting(cluster Cluster, reference Reference) *Existing {
	return &Existing{cluster: cluster, reference: reference}
}

// Check finds the controller and reports whether it can be reached.
func (e *Existing) Check(ctx context.Context) error {
	service, err := e.service(ctx)
	if err != nil {
		return err
	}
	if err := e.checkClass(ctx); err != nil {
		return err
	}
	if len(service.Spec.Selector) == 0 {
		return fmt.Errorf("the Service %s/%s has no selector: name the Service that selects the ingress controller's Pods",
			e.reference.Namespace, e.reference.Service)
	}
	// The address of the node is irrelevant here; only the ports are checked.
	if _, err := e.entry(service, netip.IPv4Unspecified()); err != nil {
		return err
	}
	found := Installation{
		Namespace: e.reference.Namespace, Service: e.reference.Service, IngressClass: e.reference.IngressClass, ServesLater: true,
		Selector: metav1.FormatLabelSelector(metav1.SetAsLabelSelector(service.Spec.Selector)),
	}
	if policy := service.Spec.ExternalTrafficPolicy; policy != corev1.ServiceExternalTrafficPolicyLocal {
		found.ClientHidden = fmt.Sprintf("the externalTrafficPolicy of the controller's Service %s/%s is not Local, so nodes replace the client's "+
			"address with their own", e.reference.Namespace, e.reference.Service)
	}
	pod, err := e.cluster.readyPod(ctx, found)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.found, e.images = &found, nil
	for _, container := range pod.Spec.Containers {
		e.images = append(e.images, container.Image)
	}
	return nil
}

func (e *Existing) service(ctx context.Context) (*corev1.Service, error) {
	namespace, name := e.reference.Namespace, e.reference.Service
	service, err := e.cluster.Objects.Workloads.Clientset.CoreV1().Services(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("the cluster has no Service %s/%s: name the Service that selects the ingress controller's Pods (kubectl get services -A)",
			namespace, name)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the ingress controller's Service %s/%s: %w", namespace, name, err)
	}
	return service, nil
}

// checkClass reports whether the IngressClass exists, and names the others if it doesn't.
func (e *Existing) checkClass(ctx context.Context) error {
	classes := e.cluster.Objects.Workloads.Clientset.NetworkingV1().IngressClasses()
	_, err := classes.Get(ctx, e.reference.IngressClass, metav1.GetOptions{})
	if err == nil {
		return nil
	}
	if !apierrors.IsNotFound(err) {
		return fmt.Errorf("reading IngressClass %s: %w", e.reference.IngressClass, err)
	}
	list, err := classes.List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("listing the IngressClasses: %w", err)
	}
	var known []string
	for _, class := range list.Items {
		known = append(known, class.Name)
	}
	return fmt.Errorf("the cluster has no IngressClass %q; it has: %s", e.reference.IngressClass, cmp.Or(strings.Join(known, ", "), "none"))
}

// Recheck implements Controller: every Ensure looks at the Service.
func (e *Existing) Recheck() {}

// Ensure returns where requests enter. Settings are not supported: the error for them wraps ErrTestbedOnly.
func (e *Existing) Ensure(ctx context.Context, settings map[string]string) (client.Entry, error) {
	if len(settings) > 0 {
		return client.Entry{}, fmt.Errorf("the scenario sets %s of the ingress controller, but the existing one of IngressClass %s is not changed: %w",
			strings.Join(slices.Sorted(maps.Keys(settings)), ", "), e.reference.IngressClass, ErrTestbedOnly)
	}
	service, err := e.service(ctx)
	if err != nil {
		return client.Entry{}, err
	}
	pod, err := e.Pod(ctx)
	if err != nil {
		return client.Entry{}, err
	}
	// The node of a Pod accepts requests under any external traffic policy.
	node, err := e.cluster.Nodes.ByName(pod.Spec.NodeName)
	if err != nil {
		return client.Entry{}, err
	}
	entry, err := e.entry(service, node.ExternalIP)
	if err != nil {
		return client.Entry{}, err
	}
	return entry, e.cluster.waitAnswer(ctx, entry)
}

// Helm is not supported: its error wraps ErrTestbedOnly.
func (e *Existing) Helm(_ context.Context, command helm.Command) (string, client.Entry, error) {
	return "", client.Entry{}, fmt.Errorf("the scenario runs helm %s, but the existing controller of IngressClass %s is not changed: %w",
		command.Verb, e.reference.IngressClass, ErrTestbedOnly)
}

// entry returns the addresses of the Service's ports for HTTP and HTTPS: its cluster IP, or the node's.
func (e *Existing) entry(service *corev1.Service, node netip.Addr) (client.Entry, error) {
	http, httpErr := servicePort(service, 80, "http", "web")
	https, httpsErr := servicePort(service, 443, "https", "websecure")
	if err := errors.Join(httpErr, httpsErr); err != nil {
		return client.Entry{}, err
	}
	if e.reference.ByClusterIP {
		address, err := netip.ParseAddr(service.Spec.ClusterIP)
		if err != nil {
			return client.Entry{}, fmt.Errorf("the Service %s/%s has no cluster IP", service.Namespace, service.Name)
		}
		return client.Entry{HTTP: netip.AddrPortFrom(address, portNumber(http.Port)), HTTPS: netip.AddrPortFrom(address, portNumber(https.Port))}, nil
	}
	if http.NodePort == 0 || https.NodePort == 0 {
		return client.Entry{}, fmt.Errorf("the Service %s/%s has no node ports, which this kind of cluster needs: "+
			"change its type to NodePort, or use --cluster kubeconfig with --reach load-balancer or port-forward", service.Namespace, service.Name)
	}
	return client.Entry{HTTP: netip.AddrPortFrom(node, portNumber(http.NodePort)), HTTPS: netip.AddrPortFrom(node, portNumber(https.NodePort))}, nil
}

// servicePort finds a port by its number or else by one of the names that charts of ingress controllers give it.
func servicePort(service *corev1.Service, number int32, names ...string) (corev1.ServicePort, error) {
	var existing []string
	for _, port := range service.Spec.Ports {
		if port.Port == number {
			return port, nil
		}
		existing = append(existing, fmt.Sprintf("%s %d", port.Name, port.Port))
	}
	for _, port := range service.Spec.Ports {
		if slices.Contains(names, port.Name) {
			return port, nil
		}
	}
	return corev1.ServicePort{}, fmt.Errorf("the Service %s/%s has no port %d, nor one named %s; it has: %s",
		service.Namespace, service.Name, number, strings.Join(names, " or "), cmp.Or(strings.Join(existing, ", "), "none"))
}

// portNumber narrows a port number, whose range the API server has validated.
func portNumber(port int32) uint16 { return uint16(port) }

// Installation returns what Check found. It is an error before that.
func (e *Existing) Installation() (Installation, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.found == nil {
		return Installation{}, errors.New("the existing ingress controller has not been checked")
	}
	return *e.found, nil
}

// Pod returns the first ready Pod of the controller, by name.
func (e *Existing) Pod(ctx context.Context) (corev1.Pod, error) {
	installation, err := e.Installation()
	if err != nil {
		return corev1.Pod{}, err
	}
	return e.cluster.readyPod(ctx, installation)
}

// Description identifies the controller in reports by its class, its Service and its images.
func (e *Existing) Description() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return fmt.Sprintf("installed before the run: IngressClass %s, Service %s/%s, %s",
		e.reference.IngressClass, e.reference.Namespace, e.reference.Service, strings.Join(e.images, ", "))
}

// Version is the tag of the first container's image.
func (e *Existing) Version() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.images) == 0 {
		return "unknown"
	}
	image, _, _ := strings.Cut(e.images[0], "@")
	_, tag, tagged := strings.Cut(image[strings.LastIndex(image, "/")+1:], ":")
	if !tagged {
		return "unknown"
	}
	return tag
}

// Remove does nothing: the controller stays in the cluster.
func (e *Existing) Remove(context.Context) error { return nil }
