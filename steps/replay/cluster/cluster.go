// Package cluster replays cases against an ingress controller on a cluster.
package cluster

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/steps"
	"github.com/ingress-testbed/testbed/steps/client"
	"github.com/ingress-testbed/testbed/steps/objects"
	"github.com/ingress-testbed/testbed/steps/replay/record"
	"github.com/ingress-testbed/testbed/steps/replay/setup"
)

// Options of a Target.
type Options struct {
	// ConfigMap of the controller. If it has no name, it is that of the manifest that the controller was deployed with; an
	// existing controller has none then, and cases that change it are skipped.
	ConfigMap types.NamespacedName
	// Settings of the controller that is deployed; see subject.Controller.
	Settings map[string]string
}

// Target is the controller of an environment. It implements replay.Target.
type Target struct {
	environment *steps.Environment
	setup       *setup.Setup
	secrets     *setup.Secrets
	// second lists the Services of the second namespace.
	second    []string
	backends  string // namespace
	pods      []corev1.Pod
	entry     client.Entry
	shared    record.Bindings // of all cases
	configMap *configMap
}

// Start deploys the backends and the controller. Close deletes what it made, also after an error.
func Start(ctx context.Context, environment *steps.Environment, whole *record.Record, options Options) (*Target, error) {
	t := &Target{environment: environment, second: whole.About.SecondNamespace, backends: "replay-" + strings.ToLower(rand.Text()[:6])}
	if err := t.start(ctx, whole, options); err != nil {
		return nil, errors.Join(err, t.Close(context.WithoutCancel(ctx)))
	}
	return t, nil
}

func (t *Target) start(ctx context.Context, whole *record.Record, options Options) (err error) {
	if t.setup, err = setup.Parse(whole.Setup); err != nil {
		return err
	}
	if t.secrets, err = setup.NewSecrets(whole); err != nil {
		return err
	}
	backends, err := t.deployBackends(ctx)
	if err != nil {
		return fmt.Errorf("deploying the backends: %w", err)
	}
	if t.entry, err = t.environment.Controller.Ensure(ctx, options.Settings); err != nil {
		return err
	}
	for _, deployment := range backends {
		if err := t.waitReady(ctx, deployment); err != nil {
			return fmt.Errorf("deploying the backends: %w", err)
		}
	}
	if t.pods, err = t.environment.Objects.Workloads.ReadyPods(ctx, t.backends, ""); err != nil {
		return err
	}
	if t.shared, err = t.bindings(ctx); err != nil {
		return err
	}
	t.configMap, err = findConfigMap(t.environment, options.ConfigMap)
	return err
}

// Close deletes what the target made in the cluster, except for the controller.
func (t *Target) Close(ctx context.Context) error {
	return t.environment.Objects.StartDelete(ctx, []*unstructured.Unstructured{namespaceObject(t.backends)})
}

// deployBackends applies the record's Deployments and those of its Services that select Pods, and returns the Deployments.
func (t *Target) deployBackends(ctx context.Context) ([]*unstructured.Unstructured, error) {
	api := t.environment.Objects
	if _, err := api.Apply(ctx, namespaceObject(t.backends), ""); err != nil {
		return nil, err
	}
	var deployments []*unstructured.Unstructured
	for _, deployment := range t.setup.Deployments {
		applied, err := t.apply(ctx, deployment, t.backends)
		if err != nil {
			return nil, err
		}
		deployments = append(deployments, applied)
	}
	for _, service := range t.setup.Services {
		if len(service.Spec.Selector) == 0 || service.Spec.Type == corev1.ServiceTypeExternalName {
			continue
		}
		if _, err := t.apply(ctx, service, t.backends); err != nil {
			return nil, err
		}
	}
	return deployments, nil
}

func (t *Target) waitReady(ctx context.Context, object *unstructured.Unstructured) error {
	ctx, cancel := context.WithTimeout(ctx, objects.ReadyTimeout)
	defer cancel()
	return t.environment.Objects.WaitReady(ctx, object)
}

// bindings are the placeholders that are the same for all cases.
func (t *Target) bindings(ctx context.Context) (record.Bindings, error) {
	installation, err := t.environment.Controller.Installation()
	if err != nil {
		return nil, err
	}
	bindings := record.Bindings{"class": installation.IngressClass}
	// Without the client's address, cases that have it in their objects are skipped, and it may be anything in answers.
	if address, err := t.environment.ClientAddress(); err == nil {
		bindings["client address"] = address.String()
		bindings["client network"] = networkOf(address).String()
	}
	services, err := t.environment.Objects.Workloads.Clientset.CoreV1().Services(t.backends).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing the backends' Services: %w", err)
	}
	for _, service := range services.Items {
		bindings["cluster IP of "+service.Name] = service.Spec.ClusterIP
	}
	return bindings, nil
}

// networkOf is a network that the address is in.
func networkOf(address netip.Addr) netip.Prefix {
	bits := 24
	if address.Is6() {
		bits = 64
	}
	return netip.PrefixFrom(address, bits).Masked()
}

// apply applies a typed object in a namespace.
func (t *Target) apply(ctx context.Context, object runtime.Object, namespace string) (*unstructured.Unstructured, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return nil, fmt.Errorf("converting an object: %w", err)
	}
	converted := &unstructured.Unstructured{Object: content}
	unstructured.RemoveNestedField(content, "status")
	converted.SetNamespace(namespace)
	return t.environment.Objects.Apply(ctx, converted, namespace)
}

func namespaceObject(name string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name},
	}}
}

// pollInterval is the time between two probes of a case.
const pollInterval = 25 * time.Millisecond
