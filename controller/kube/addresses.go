package kube

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"github.com/ingress-testbed/testbed/controller/status"
)

// Addresses watches the Pods of the controller and the objects that its addresses depend on: a Service to publish, or the
// nodes of the Pods.
type Addresses struct {
	config    AddressesConfig
	factories []informers.SharedInformerFactory
	services  cache.SharedIndexInformer // nil if none is published
	pods      cache.SharedIndexInformer // nil if it isn't known which Pod this is
	nodes     cache.SharedIndexInformer // nil if their addresses don't matter
	changed   notifier
}

// AddressesConfig selects what to watch.
type AddressesConfig struct {
	// Self is the controller's own Pod; empty outside a cluster.
	Self types.NamespacedName
	// PublishService is the Service whose addresses are the controller's; empty takes the nodes'.
	PublishService types.NamespacedName
	// Fixed addresses, instead of a Service's or the nodes'.
	Fixed []string
	// PreferInternal takes nodes' internal addresses rather than their external ones.
	PreferInternal bool
}

// NewAddresses makes Addresses. Only List and Watch are used.
func NewAddresses(client kubernetes.Interface, config AddressesConfig) (*Addresses, error) {
	s := &Addresses{config: config, changed: newNotifier()}
	trimmed := informers.WithTransform(trim)
	if config.Self.Name != "" {
		own := informers.NewSharedInformerFactoryWithOptions(client, 0, trimmed,
			informers.WithNamespace(config.Self.Namespace))
		s.pods = own.Core().V1().Pods().Informer()
		s.factories = append(s.factories, own)
	}
	switch {
	case len(config.Fixed) > 0:
	case config.PublishService.Name != "":
		one := informers.NewSharedInformerFactoryWithOptions(client, 0, append(only(config.PublishService), trimmed)...)
		s.services = one.Core().V1().Services().Informer()
		s.factories = append(s.factories, one)
	default:
		all := informers.NewSharedInformerFactoryWithOptions(client, 0, trimmed)
		s.nodes = all.Core().V1().Nodes().Informer()
		s.factories = append(s.factories, all)
	}
	for _, informer := range []cache.SharedIndexInformer{s.services, s.pods, s.nodes} {
		if informer == nil {
			continue
		}
		if _, err := informer.AddEventHandler(s.changed); err != nil {
			return nil, fmt.Errorf("watching the controller's addresses: %w", err)
		}
	}
	return s, nil
}

// Start begins to watch, until ctx is done, and returns when the caches have synced.
func (s *Addresses) Start(ctx context.Context, within time.Duration) error {
	waiting, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for _, factory := range s.factories {
		factory.Start(ctx.Done())
	}
	for _, factory := range s.factories {
		for kind, synced := range factory.WaitForCacheSync(waiting.Done()) {
			if !synced {
				return fmt.Errorf("reading %s from the API server took longer than %s: "+
					"check that the ServiceAccount may list and watch them", kind, within)
			}
		}
	}
	return nil
}

var _ status.Addresses = (*Addresses)(nil)

// Changed implements status.Addresses.
func (s *Addresses) Changed() <-chan struct{} { return s.changed }

// Addresses implements status.Addresses.
func (s *Addresses) Addresses() []networkingv1.IngressLoadBalancerIngress {
	if len(s.config.Fixed) > 0 {
		return status.Of(s.config.Fixed)
	}
	if s.services != nil {
		service := get[corev1.Service](s.services, s.config.PublishService)
		if service == nil {
			return nil
		}
		return status.OfService(service)
	}
	node := func(name string) *corev1.Node {
		return get[corev1.Node](s.nodes, types.NamespacedName{Name: name})
	}
	return status.OfNodes(s.controllers(), node, s.config.PreferInternal)
}

// Alone reports whether no other Pod of the controller is running.
func (s *Addresses) Alone() bool {
	return !slices.ContainsFunc(s.controllers(), func(pod *corev1.Pod) bool {
		return pod.Name != s.config.Self.Name && pod.DeletionTimestamp == nil &&
			(pod.Status.Phase == corev1.PodRunning || pod.Status.Phase == corev1.PodPending)
	})
}

// controllers are the Pods with the same labels as this one, itself included. Labels for revisions of a Deployment or
// DaemonSet, and for versions of a chart, are ignored.
func (s *Addresses) controllers() []*corev1.Pod {
	if s.pods == nil {
		return nil
	}
	self := get[corev1.Pod](s.pods, s.config.Self)
	if self == nil {
		return nil
	}
	var same []*corev1.Pod
	for _, pod := range list[*corev1.Pod](s.pods) {
		if maps.Equal(lasting(pod.Labels), lasting(self.Labels)) {
			same = append(same, pod)
		}
	}
	return same
}

func lasting(labels map[string]string) map[string]string {
	kept := maps.Clone(labels)
	for _, label := range []string{
		"pod-template-hash", "controller-revision-hash", "pod-template-generation",
		"app.kubernetes.io/version", "helm.sh/chart",
	} {
		delete(kept, label)
	}
	return kept
}
