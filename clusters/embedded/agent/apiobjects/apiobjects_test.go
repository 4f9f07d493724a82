//go:build linux

package apiobjects

import (
	"context"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

func TestReferences(t *testing.T) {
	named := func(n string) corev1.LocalObjectReference { return corev1.LocalObjectReference{Name: n} }
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop"}, Spec: corev1.PodSpec{
		Volumes: []corev1.Volume{
			{VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: named("a")}}},
			{VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "s"}}},
			{VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
			{VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
				{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: named("b")}}, {Secret: &corev1.SecretProjection{LocalObjectReference: named("t")}},
			}}}},
		},
		InitContainers: []corev1.Container{{EnvFrom: []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: named("c")}}, {SecretRef: &corev1.SecretEnvSource{LocalObjectReference: named("s")}}}}},
		Containers: []corev1.Container{{Env: []corev1.EnvVar{
			{Value: "plain"}, {ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: named("a")}}},
			{ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: named("u")}}},
		}}},
	}}
	want := []Reference{
		{ConfigMaps, "shop", "a"}, {ConfigMaps, "shop", "b"}, {ConfigMaps, "shop", "c"},
		{Secrets, "shop", "s"}, {Secrets, "shop", "t"}, {Secrets, "shop", "u"},
	}
	got := References(pod)
	if len(got) != len(want) {
		t.Fatalf("references %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("reference %v, want %v", got[i], want[i])
		}
	}
}

func TestRequestToken(t *testing.T) {
	client := fake.NewClientset()
	var asked *authenticationv1.TokenRequest
	client.PrependReactor("create", "serviceaccounts", func(action clienttesting.Action) (bool, runtime.Object, error) {
		create, ok := action.(clienttesting.CreateAction)
		if !ok || action.GetSubresource() != "token" {
			return false, nil, nil
		}
		asked = create.GetObject().(*authenticationv1.TokenRequest)
		reply := asked.DeepCopy()
		reply.Status = authenticationv1.TokenRequestStatus{Token: "t", ExpirationTimestamp: metav1.NewTime(time.Now().Add(time.Hour))}
		return true, reply, nil
	})
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", UID: "u-1"}, Spec: corev1.PodSpec{ServiceAccountName: "sa"}}
	token, renew, err := RequestToken(context.Background(), client, pod, "api", 3600)
	if err != nil || token != "t" {
		t.Fatalf("%q, %v", token, err)
	}
	if in := time.Until(renew); in < 45*time.Minute || in > 50*time.Minute {
		t.Errorf("to be renewed in %s, want four fifths of an hour", in)
	}
	if asked.Spec.BoundObjectRef.UID != "u-1" || asked.Spec.Audiences[0] != "api" || *asked.Spec.ExpirationSeconds != 3600 {
		t.Errorf("asked for %+v", asked.Spec)
	}
}

func TestOnlyHeldObjectsCanBeRead(t *testing.T) {
	w := NewWatcher(fake.NewClientset(), func(Reference) {})
	if _, err := w.ConfigMap(context.Background(), "shop", "a"); err == nil {
		t.Error("an object without a holder is readable")
	}
	w.Release([]Reference{{ConfigMaps, "shop", "a"}}) // must not panic
}
