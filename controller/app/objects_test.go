package app_test

import (
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/utils/ptr"

	"github.com/ingress-testbed/testbed/controller/config"
)

func ingress(name, host, path, service string) *networkingv1.Ingress {
	return &networkingv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, ResourceVersion: "1"},
		Spec: networkingv1.IngressSpec{
			IngressClassName: ptr.To(class),
			Rules: []networkingv1.IngressRule{{
				Host: host,
				IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{
					Paths: []networkingv1.HTTPIngressPath{{
						Path: path, PathType: ptr.To(networkingv1.PathTypePrefix),
						Backend: networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{
							Name: service, Port: networkingv1.ServiceBackendPort{Number: 80},
						}},
					}},
				}},
			}},
		},
	}
}

// annotated adds annotations, given as names without prefix and values in turn.
func annotated(ingress *networkingv1.Ingress, pairs ...string) *networkingv1.Ingress {
	ingress.Annotations = map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		ingress.Annotations[config.DefaultPrefix+"/"+pairs[i]] = pairs[i+1]
	}
	return ingress
}

func controllerPod(name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ingress", Name: name, Labels: map[string]string{
			"app": "controller", "pod-template-hash": name,
		}},
		Status: corev1.PodStatus{
			Phase:      corev1.PodRunning,
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
		},
	}
}

func (w *world) create(ingress *networkingv1.Ingress) { w.t.Helper(); w.put(ingress) }
func (w *world) createSecret(secret *corev1.Secret)   { w.t.Helper(); w.put(secret) }
func (w *world) createPod(pod *corev1.Pod)            { w.t.Helper(); w.put(pod) }

// put creates or replaces an object as another client than the controller: what the client does is recorded, what is
// done to its tracker is not.
func (w *world) put(object metav1.Object) {
	w.t.Helper()
	resource, err := resourceOf(object)
	if err != nil {
		w.t.Fatal(err)
	}
	object.SetResourceVersion(strconv.FormatInt(time.Now().UnixNano(), 10))
	err = w.client.Tracker().Create(resource, object.(runtime.Object), object.GetNamespace())
	if apierrors.IsAlreadyExists(err) {
		err = w.client.Tracker().Update(resource, object.(runtime.Object), object.GetNamespace())
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// resourceOf is the name of an object's kind in the API.
func resourceOf(object metav1.Object) (schema.GroupVersionResource, error) {
	kinds, _, err := scheme.Scheme.ObjectKinds(object.(runtime.Object))
	if err != nil {
		return schema.GroupVersionResource{}, err
	}
	resource, _ := meta.UnsafeGuessKindToResource(kinds[0])
	return resource, nil
}

func (w *world) delete(name string) {
	w.t.Helper()
	if err := w.client.Tracker().Delete(networkingv1.SchemeGroupVersion.WithResource("ingresses"), "default", name); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) ingress(name string) *networkingv1.Ingress {
	w.t.Helper()
	found, err := w.client.Tracker().Get(networkingv1.SchemeGroupVersion.WithResource("ingresses"), "default", name)
	if err != nil {
		w.t.Fatal(err)
	}
	return found.(*networkingv1.Ingress)
}

func (w *world) events() []corev1.Event {
	w.t.Helper()
	found, err := w.client.Tracker().List(corev1.SchemeGroupVersion.WithResource("events"),
		corev1.SchemeGroupVersion.WithKind("Event"), "default")
	if err != nil {
		w.t.Fatal(err)
	}
	return found.(*corev1.EventList).Items
}
