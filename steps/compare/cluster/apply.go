package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/ingress-testbed/testbed/internal/sleep"
	"github.com/ingress-testbed/testbed/steps/compare/estate"
	"github.com/ingress-testbed/testbed/steps/objects"
)

const (
	// image of the stand-ins, as the manifests of the feature files name it.
	image = "testbed.local/backends:dev"
	// replicas of the stand-ins: two Pods are enough to see whether sessions stay.
	replicas = 2
	// parallel is how many objects are applied at the same time.
	parallel = 16
	// maxAddresses is how many Services get an address. Clusters have a few hundred addresses for Services.
	maxAddresses = 100
)

// begin makes the objects and waits until the last Ingress is served.
func (s *session) begin(ctx context.Context) error {
	if err := s.makeNamespaces(ctx); err != nil {
		return err
	}
	if err := s.deploy(ctx); err != nil {
		return fmt.Errorf("deploying the stand-ins: %w", err)
	}
	if err := s.applyObjects(ctx); err != nil {
		return err
	}
	if err := s.applyIngresses(ctx); err != nil {
		return err
	}
	return s.waitServed(ctx)
}

func (s *session) makeNamespaces(ctx context.Context) error {
	names := map[string]bool{s.namespace: true}
	for _, ingress := range s.standIns.Ingresses {
		names[ingress.Namespace] = true
	}
	for _, object := range s.objects() {
		names[object.(metav1.Object).GetNamespace()] = true
	}
	for name := range names {
		namespace := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name},
		}}
		if _, err := s.target.Environment.Objects.Apply(ctx, namespace, ""); err != nil {
			return err
		}
		s.made = append(s.made, namespace)
	}
	return nil
}

// objects are those other than Ingresses. EndpointSlices are among them once the Pods are ready.
func (s *session) objects() []runtime.Object {
	var all []runtime.Object
	spare := len(s.standIns.Services) > maxAddresses
	for _, original := range s.standIns.Services {
		service := original.DeepCopy()
		if spare && service.Namespace != s.namespace && service.Spec.Type == corev1.ServiceTypeClusterIP && !s.needsAddress(service) {
			service.Spec.ClusterIP = corev1.ClusterIPNone
		}
		all = append(all, service)
	}
	for _, secret := range s.standIns.Secrets {
		all = append(all, secret)
	}
	for _, configMap := range s.standIns.ConfigMaps {
		all = append(all, configMap)
	}
	if len(s.pods) > 0 {
		var addresses []string
		for _, pod := range s.pods {
			addresses = append(addresses, pod.Status.PodIP)
		}
		for _, slice := range s.standIns.Slices(addresses) {
			all = append(all, slice)
		}
	}
	return all
}

// needsAddress reports whether an Ingress connects to the Service's own address.
func (s *session) needsAddress(service *corev1.Service) bool {
	for _, ingress := range s.standIns.Ingresses {
		if value, _ := estate.Annotation(ingress, "service-upstream"); value != "true" || ingress.Namespace != service.Namespace {
			continue
		}
		for _, backend := range estate.Backends(ingress) {
			if backend.Service != nil && backend.Service.Name == service.Name {
				return true
			}
		}
	}
	return false
}

// deploy starts the Pods of the stand-ins and waits until they are ready.
func (s *session) deploy(ctx context.Context) error {
	first, last := s.standIns.Ports()
	labels := map[string]any{"app": "stand-in"}
	container := map[string]any{
		"name": "stand-in", "image": image, "imagePullPolicy": "IfNotPresent",
		"args":           []any{"standin", fmt.Sprintf("--first-port=%d", first), fmt.Sprintf("--last-port=%d", last+1)},
		"readinessProbe": map[string]any{"tcpSocket": map[string]any{"port": int64(last + 1)}, "periodSeconds": int64(1)},
	}
	deployment, err := s.target.Environment.Objects.Apply(ctx, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "stand-in"},
		"spec": map[string]any{
			"replicas": int64(replicas), "selector": map[string]any{"matchLabels": labels},
			"template": map[string]any{
				"metadata": map[string]any{"labels": labels},
				"spec":     map[string]any{"terminationGracePeriodSeconds": int64(0), "containers": []any{container}},
			},
		},
	}}, s.namespace)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, objects.ReadyTimeout)
	defer cancel()
	if err := s.target.Environment.Objects.WaitReady(ctx, deployment); err != nil {
		return err
	}
	s.pods, err = s.target.Environment.Objects.Workloads.ReadyPods(ctx, s.namespace, "app=stand-in")
	return err
}

func (s *session) applyObjects(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for _, object := range s.objects() {
		group.Go(func() error {
			_, err := s.apply(ctx, object)
			return err
		})
	}
	return group.Wait()
}

// apply applies a typed object.
func (s *session) apply(ctx context.Context, object runtime.Object) (*unstructured.Unstructured, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return nil, fmt.Errorf("converting an object: %w", err)
	}
	converted := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": content["apiVersion"], "kind": content["kind"],
		"metadata": map[string]any{"name": object.(metav1.Object).GetName()},
	}}
	for _, field := range []string{"annotations", "labels"} {
		if value, found, _ := unstructured.NestedMap(content, "metadata", field); found {
			unstructured.SetNestedMap(converted.Object, value, "metadata", field) //nolint:errcheck // metadata is a map
		}
	}
	for name, value := range content {
		if name != "metadata" && name != "status" {
			converted.Object[name] = value
		}
	}
	return s.target.Environment.Objects.Apply(ctx, converted, object.(metav1.Object).GetNamespace())
}

// applyIngresses applies the Ingresses in rounds, so that their age decides the same as that of the originals.
func (s *session) applyIngresses(ctx context.Context) error {
	for i, round := range rounds(s.standIns.Ingresses) {
		if i > 0 {
			if err := sleep.For(ctx, creationUnit); err != nil {
				return err
			}
		}
		for _, ingress := range round {
			if err := s.applyIngress(ctx, ingress); err != nil {
				return err
			}
		}
	}
	return nil
}

// applyIngress applies a copy of an Ingress, or keeps why it is refused.
func (s *session) applyIngress(ctx context.Context, original *networkingv1.Ingress) error {
	ingress := original.DeepCopy()
	ingress.TypeMeta = metav1.TypeMeta{APIVersion: networkingv1.SchemeGroupVersion.String(), Kind: "Ingress"}
	estate.SetClass(ingress, s.class)
	delete(ingress.Annotations, corev1.LastAppliedConfigAnnotation)
	applied, err := s.apply(ctx, ingress)
	if reason, refused := refusal(err); refused {
		s.refused[s.prefix.trim(estate.Key(ingress).String())] = reason
		return nil
	}
	if err != nil {
		return err
	}
	s.ingresses = append(s.ingresses, applied)
	return nil
}

// refusal returns why a webhook or the API server refused an object.
func refusal(err error) (string, bool) {
	var status apierrors.APIStatus
	if err == nil || apierrors.IsInternalError(err) || !errors.As(err, &status) {
		return "", false
	}
	message := status.Status().Message
	if _, reason, ok := strings.Cut(message, " denied the request: "); ok {
		return reason, true
	}
	return message, apierrors.IsInvalid(err) || apierrors.IsBadRequest(err)
}
