package inprocess

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/steps/client"
	"github.com/ingress-testbed/testbed/steps/helm"
	"github.com/ingress-testbed/testbed/steps/inprocess/apiserver"
	"github.com/ingress-testbed/testbed/steps/subject"
)

// controller implements subject.Controller.
type controller struct {
	cluster *Cluster
	mode    compatibility.Mode // where no setting says another
}

// Check implements subject.Controller.
func (controller) Check(context.Context) error { return nil }

// Recheck implements subject.Controller: every Ensure looks at all of the settings.
func (controller) Recheck() {}

// Remove implements subject.Controller: the controller ends with the cluster.
func (controller) Remove(context.Context) error { return nil }

// Ensure implements subject.Controller. Settings that are about the installation are not supported.
func (c controller) Ensure(_ context.Context, given map[string]string) (client.Entry, error) {
	config := map[string]string{}
	settings := defaults(c.mode)
	ports := tcpPorts{services: map[string]string{}, nodePorts: map[string]int32{}}
	for name, value := range given {
		if known, err := ports.set(name, value); err != nil {
			return client.Entry{}, err
		} else if known {
			continue
		}
		key, isKey := strings.CutPrefix(name, "config ")
		switch {
		case isKey:
			config[key] = value
		case strings.TrimLeft(name, "-") == "flag enable-ssl-passthrough":
			settings.Passthrough = value == "true"
		case strings.TrimLeft(name, "-") == "flag default-ssl-certificate":
			namespace, secret, _ := strings.Cut(value, "/")
			settings.DefaultCertificate = types.NamespacedName{Namespace: namespace, Name: secret}
		case strings.TrimLeft(name, "-") == "flag compatibility":
			if err := settings.Compatibility.Set(value); err != nil {
				return client.Entry{}, fmt.Errorf("setting the controller's compatibility: %w", err)
			}
		default:
			return client.Entry{}, unsupported("the controller's setting %q", name)
		}
	}
	err := c.cluster.server.Change(func(held *apiserver.Objects) error {
		c.cluster.control.settings = settings
		err := held.Put(&networkingv1.IngressClass{
			ObjectMeta: metav1.ObjectMeta{Name: className}, Spec: networkingv1.IngressClassSpec{Controller: controllerClass},
		})
		if err != nil {
			return err
		}
		if err := held.Put(ownService(ports.ofService())); err != nil {
			return err
		}
		if err := held.Put(configMap(tcpServices, ports.services)); err != nil {
			return err
		}
		return held.Put(configMap(controllerName, config))
	})
	if err != nil {
		return client.Entry{}, fmt.Errorf("configuring the controller: %w", err)
	}
	return c.cluster.control.entry, nil
}

// configMap is one of the controller's ConfigMaps.
func configMap(name string, data map[string]string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: controllerNamespace, Name: name}, Data: data}
}

// ownService is the controller's Service. Its cluster IP leads to the proxy.
func ownService(forwarded []corev1.ServicePort) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: controllerNamespace, Name: controllerName},
		Spec: corev1.ServiceSpec{
			ClusterIP: controllerClusterIP,
			Ports:     append([]corev1.ServicePort{{Name: "http", Port: 80}, {Name: "https", Port: 443}}, forwarded...),
		},
	}
}

// Helm implements subject.Controller.
func (controller) Helm(context.Context, helm.Command) (string, client.Entry, error) {
	return "", client.Entry{}, unsupported("helm")
}

// Installation implements subject.Controller. It has no commands: there is no Pod that they could be run in.
func (controller) Installation() (subject.Installation, error) {
	return subject.Installation{
		Objects: []*unstructured.Unstructured{}, Namespace: controllerNamespace, Service: controllerName, IngressClass: className, Instance: controllerName,
	}, nil
}

// Pod implements subject.Controller. It stands for this process.
func (controller) Pod(context.Context) (corev1.Pod, error) {
	return corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: controllerNamespace, Name: controllerName},
		Spec:       corev1.PodSpec{NodeName: nodeName}, Status: corev1.PodStatus{PodIP: controllerAddress},
	}, nil
}

// Version implements subject.Controller: it is that of the test-bed.
func (controller) Version() string { return "" }

// Description implements subject.Controller.
func (c controller) Description() string {
	return fmt.Sprintf("the test-bed's controller and proxy in process, --compatibility=%s", c.cluster.control.settings.Compatibility)
}

func unsupported(format string, arguments ...any) error {
	return fmt.Errorf("%s: not in process, without a cluster: %w", fmt.Sprintf(format, arguments...), clusters.ErrUnsupported)
}
