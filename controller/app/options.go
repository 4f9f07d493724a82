// Package app assembles the controller: watching, translation, the data plane, and diagnostics.
package app

import (
	"errors"
	"fmt"
	"io"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/config"
)

// Options are the controller's settings. Their names and meanings are those of ingress-nginx's flags where it has
// them.
type Options struct {
	// Kubeconfig and APIServer select the cluster; if both are empty, it is the one that this Pod runs in.
	Kubeconfig, APIServer string

	IngressClass             string // value of the legacy annotation
	ControllerClass          string // spec.controller of IngressClasses
	WatchIngressWithoutClass bool
	WatchNamespace           string // "" watches all
	AnnotationsPrefix        string
	Compatibility            compatibility.Mode
	ConfigMap                types.NamespacedName
	DefaultSSLCertificate    types.NamespacedName
	DefaultBackendService    types.NamespacedName
	TCPServicesConfigMap     types.NamespacedName // of ports that lead to Services
	UDPServicesConfigMap     types.NamespacedName
	EnableSSLPassthrough     bool
	PublishService           types.NamespacedName
	PublishStatusAddress     []string // fixed addresses, which replace those of PublishService
	ReportNodeInternalIP     bool
	UpdateStatus             bool
	UpdateStatusOnShutdown   bool
	ElectionID               string
	HTTPPort, HTTPSPort      int
	HealthzPort              int
	StatusPort               int // of the loopback listener for `controller dump`
	ValidatingWebhook        string
	ValidatingWebhookCert    string
	ValidatingWebhookKey     string
	ShutdownGracePeriod      time.Duration // how long requests are still accepted after SIGTERM
	DrainTimeout             time.Duration // how long running requests may take then
	StartTimeout             time.Duration // for the initial lists from the API server
	AccessLog                io.Writer     // gets a JSON object a request; nil for none
	Version                  string
	// Pod is the controller's own, from the downward API; empty outside a cluster.
	Pod types.NamespacedName
}

// Defaults are the settings without any flag.
func Defaults() Options {
	return Options{
		IngressClass:           "nginx",
		ControllerClass:        "testbed.local/ingress",
		AnnotationsPrefix:      config.DefaultPrefix,
		UpdateStatus:           true,
		UpdateStatusOnShutdown: true,
		ElectionID:             "ingress-controller-leader",
		HTTPPort:               80,
		HTTPSPort:              443,
		HealthzPort:            10254,
		StatusPort:             10246,
		ShutdownGracePeriod:    time.Second,
		DrainTimeout:           20 * time.Second,
		StartTimeout:           time.Minute,
	}
}

// Validate returns an error that names the flag if a setting is invalid.
func (o Options) Validate() error {
	ports := map[int]string{}
	for _, port := range []struct {
		flag   string
		number int
	}{
		{"--http-port", o.HTTPPort}, {"--https-port", o.HTTPSPort}, {"--healthz-port", o.HealthzPort},
		{"--status-port", o.StatusPort},
	} {
		if port.number < 0 || port.number > 65535 {
			return fmt.Errorf("%s: invalid port %d: give a number from 1 to 65535, or 0 for any free one",
				port.flag, port.number)
		}
		if other, taken := ports[port.number]; taken && port.number != 0 {
			return fmt.Errorf("%s: %d is also %s: give each its own port", port.flag, port.number, other)
		}
		ports[port.number] = port.flag
	}
	if (o.ValidatingWebhookCert == "") != (o.ValidatingWebhookKey == "") {
		return errors.New("--validating-webhook-certificate and --validating-webhook-key must be given together")
	}
	if o.ValidatingWebhook != "" && o.ValidatingWebhookCert == "" {
		return errors.New("--validating-webhook: the API server calls webhooks over TLS only: " +
			"give --validating-webhook-certificate and --validating-webhook-key, too")
	}
	if faults := validation.IsDNS1123Subdomain(o.AnnotationsPrefix); len(faults) > 0 {
		return fmt.Errorf("--annotations-prefix: invalid prefix %q: give a DNS name such as %s",
			o.AnnotationsPrefix, config.DefaultPrefix)
	}
	if faults := validation.IsDNS1123Subdomain(o.ElectionID); len(faults) > 0 {
		return fmt.Errorf("--election-id: %q can't be the name of a Lease: "+
			"use lower-case letters, digits, dots and dashes", o.ElectionID)
	}
	for _, within := range []struct {
		flag string
		key  types.NamespacedName
	}{
		{"--default-ssl-certificate", o.DefaultSSLCertificate}, {"--default-backend-service", o.DefaultBackendService},
	} {
		if o.WatchNamespace != "" && within.key.Name != "" && within.key.Namespace != o.WatchNamespace {
			return fmt.Errorf("%s: %q is outside of --watch-namespace %q, so it would never be found",
				within.flag, within.key, o.WatchNamespace)
		}
	}
	if o.ShutdownGracePeriod < 0 || o.DrainTimeout <= 0 || o.StartTimeout <= 0 {
		return errors.New("--shutdown-grace-period, --drain-timeout and --start-timeout: " +
			"give times that are not negative")
	}
	return nil
}
