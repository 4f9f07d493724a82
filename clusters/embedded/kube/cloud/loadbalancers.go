package cloud

import (
	"context"
	"fmt"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	cloudprovider "k8s.io/cloud-provider"
)

// loadBalancers give Services addresses. Traffic reaches an address because a node announces it, which the nodes elect
// (package announcer).
type loadBalancers struct{ pool *Pool }

var _ cloudprovider.LoadBalancer = loadBalancers{}

func key(service *corev1.Service) string { return service.Namespace + "/" + service.Name }

func status(address netip.Addr) *corev1.LoadBalancerStatus {
	mode := corev1.LoadBalancerIPModeVIP
	return &corev1.LoadBalancerStatus{Ingress: []corev1.LoadBalancerIngress{{IP: address.String(), IPMode: &mode}}}
}

func (l loadBalancers) GetLoadBalancer(_ context.Context, _ string, service *corev1.Service) (*corev1.LoadBalancerStatus, bool, error) {
	address, exists := l.pool.Held(key(service))
	if !exists {
		return nil, false, nil
	}
	return status(address), true, nil
}

func (loadBalancers) GetLoadBalancerName(_ context.Context, _ string, service *corev1.Service) string {
	return cloudprovider.DefaultLoadBalancerName(service)
}

// EnsureLoadBalancer gives a Service the address that its spec.loadBalancerIP requests, or any.
func (l loadBalancers) EnsureLoadBalancer(_ context.Context, _ string, service *corev1.Service, _ []*corev1.Node) (*corev1.LoadBalancerStatus, error) {
	var requested netip.Addr
	if text := service.Spec.LoadBalancerIP; text != "" {
		var err error
		if requested, err = netip.ParseAddr(text); err != nil {
			return nil, fmt.Errorf("invalid loadBalancerIP %q: it must be an IP address", text)
		}
	}
	address, err := l.pool.Acquire(key(service), requested)
	if err != nil {
		return nil, err
	}
	return status(address), nil
}

// UpdateLoadBalancer has nothing to do: a load balancer doesn't depend on the list of nodes.
func (loadBalancers) UpdateLoadBalancer(context.Context, string, *corev1.Service, []*corev1.Node) error {
	return nil
}

func (l loadBalancers) EnsureLoadBalancerDeleted(_ context.Context, _ string, service *corev1.Service) error {
	l.pool.Release(key(service))
	return nil
}
