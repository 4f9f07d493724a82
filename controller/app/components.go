package app

import (
	"context"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/clock"

	"github.com/ingress-testbed/testbed/controller/admission"
	"github.com/ingress-testbed/testbed/controller/diagnostics"
	"github.com/ingress-testbed/testbed/controller/events"
	"github.com/ingress-testbed/testbed/controller/kube"
	"github.com/ingress-testbed/testbed/controller/leader"
	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/controller/status"
)

// components is the controller's parts.
type components struct {
	options   Options
	client    kubernetes.Interface
	clock     clock.WithTicker
	registry  *prometheus.Registry
	listeners *listeners

	source      *kube.Source
	addresses   *kube.Addresses // nil if statuses are not written
	certificate *admission.Certificate
	metrics     *diagnostics.Metrics
	readiness   *diagnostics.Readiness
	events      *events.Publisher
	broadcaster record.EventBroadcaster
	status      *status.Publisher // nil if statuses are not written
	settings    servedSettings
	leads       atomic.Bool
}

func (c *components) assemble() (err error) {
	o := c.options
	c.registry.MustRegister(collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	c.metrics, c.readiness = diagnostics.NewMetrics(c.registry), diagnostics.NewReadiness()
	c.source, err = kube.NewSource(c.client, o.WatchNamespace, snapshot.Settings{
		ControllerClass:    o.ControllerClass,
		LegacyClass:        o.IngressClass,
		WithoutClass:       o.WatchIngressWithoutClass,
		AnnotationsPrefix:  o.AnnotationsPrefix,
		DefaultCertificate: o.DefaultSSLCertificate,
		DefaultBackend:     o.DefaultBackendService,
		ConfigMap:          o.ConfigMap,
		TCPServices:        o.TCPServicesConfigMap,
		UDPServices:        o.UDPServicesConfigMap,
		OwnPorts:           c.listeners.ports(),
		Passthrough:        o.EnableSSLPassthrough,
		Compatibility:      o.Compatibility,
	})
	if err != nil {
		return err
	}
	if o.ValidatingWebhook != "" {
		if c.certificate, err = admission.LoadCertificate(o.ValidatingWebhookCert, o.ValidatingWebhookKey); err != nil {
			return err
		}
	}
	recorder := c.broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "ingress-controller"})
	c.events = events.NewPublisher(recorder)
	if o.UpdateStatus {
		return c.assembleStatus()
	}
	return nil
}

func (c *components) assembleStatus() (err error) {
	o := c.options
	c.addresses, err = kube.NewAddresses(c.client, kube.AddressesConfig{
		Self: o.Pod, PublishService: o.PublishService, Fixed: o.PublishStatusAddress,
		PreferInternal: o.ReportNodeInternalIP,
	})
	if err != nil {
		return err
	}
	c.status = status.NewPublisher(c.client, c.addresses, c.clock)
	return nil
}

// election runs what only the leader does: publishing Events and writing statuses.
func (c *components) election() leader.Election {
	o := c.options
	election := leader.Election{
		Client:   c.client,
		Lease:    types.NamespacedName{Namespace: o.Pod.Namespace, Name: o.ElectionID},
		Identity: o.Pod.Name,
		Duties:   []func(context.Context){c.events.Run},
		Changed: func(leads bool) {
			c.leads.Store(leads)
			c.metrics.SetLeader(leads)
		},
	}
	if c.status != nil {
		election.Duties = append(election.Duties, c.status.Run)
	}
	return election
}
