package inprocess

import (
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/steps/inprocess/apiserver"
)

// view is what the controller reads of the cluster, at one moment. It implements snapshot.Store.
type view struct {
	ingresses  []*networkingv1.Ingress
	classes    []*networkingv1.IngressClass
	services   map[types.NamespacedName]*corev1.Service
	secrets    map[types.NamespacedName]*corev1.Secret
	configMaps map[types.NamespacedName]*corev1.ConfigMap
	slices     map[types.NamespacedName][]*discoveryv1.EndpointSlice // by Service
}

func newView(held *apiserver.Objects) (*view, error) {
	v := &view{
		services: map[types.NamespacedName]*corev1.Service{}, secrets: map[types.NamespacedName]*corev1.Secret{},
		configMaps: map[types.NamespacedName]*corev1.ConfigMap{}, slices: map[types.NamespacedName][]*discoveryv1.EndpointSlice{},
	}
	var err error
	if v.ingresses, err = apiserver.Typed[networkingv1.Ingress](held, "ingresses"); err != nil {
		return nil, err
	}
	if v.classes, err = apiserver.Typed[networkingv1.IngressClass](held, "ingressclasses"); err != nil {
		return nil, err
	}
	services, err := apiserver.Typed[corev1.Service](held, "services")
	if err != nil {
		return nil, err
	}
	for _, service := range services {
		v.services[snapshot.Key(service)] = service
	}
	secrets, err := apiserver.Typed[corev1.Secret](held, "secrets")
	if err != nil {
		return nil, err
	}
	for _, secret := range secrets {
		v.secrets[snapshot.Key(secret)] = secret
	}
	configMaps, err := apiserver.Typed[corev1.ConfigMap](held, "configmaps")
	if err != nil {
		return nil, err
	}
	for _, configMap := range configMaps {
		v.configMaps[snapshot.Key(configMap)] = configMap
	}
	slices, err := apiserver.Typed[discoveryv1.EndpointSlice](held, "endpointslices")
	if err != nil {
		return nil, err
	}
	for _, slice := range slices {
		of := types.NamespacedName{Namespace: slice.Namespace, Name: slice.Labels[discoveryv1.LabelServiceName]}
		v.slices[of] = append(v.slices[of], slice)
	}
	return v, nil
}

// Ingresses implements snapshot.Store.
func (v *view) Ingresses() []*networkingv1.Ingress { return v.ingresses }

// IngressClasses implements snapshot.Store.
func (v *view) IngressClasses() []*networkingv1.IngressClass { return v.classes }

// Service implements snapshot.Store.
func (v *view) Service(name types.NamespacedName) *corev1.Service { return v.services[name] }

// Secret implements snapshot.Store.
func (v *view) Secret(name types.NamespacedName) *corev1.Secret { return v.secrets[name] }

// ConfigMap implements snapshot.Store.
func (v *view) ConfigMap(name types.NamespacedName) *corev1.ConfigMap { return v.configMaps[name] }

// EndpointSlices implements snapshot.Store.
func (v *view) EndpointSlices(service types.NamespacedName) []*discoveryv1.EndpointSlice {
	return v.slices[service]
}

// Addresses implements snapshot.Store: names of Services have their cluster IPs, other names no address.
func (v *view) Addresses(host string) []netip.Addr {
	labels := strings.Split(strings.TrimSuffix(host, ".cluster.local"), ".")
	if len(labels) < 2 || len(labels) > 3 || len(labels) == 3 && labels[2] != "svc" {
		return nil
	}
	service := v.services[types.NamespacedName{Namespace: labels[1], Name: labels[0]}]
	if service == nil {
		return nil
	}
	address, err := netip.ParseAddr(service.Spec.ClusterIP)
	if err != nil {
		return nil
	}
	return []netip.Addr{address}
}
