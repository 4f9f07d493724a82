package cluster

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ingress-testbed/testbed/steps/replay/record"
)

// Ingresses that were recorded with the same age are applied in one second, if they can be.
func TestUntilRoom(t *testing.T) {
	t.Parallel()
	ingress, secret := record.Object{"kind": "Ingress"}, record.Object{"kind": "Secret"}
	for name, test := range map[string]struct {
		objects []record.Object
		at      time.Duration // since the second began
		want    time.Duration
	}{
		"nothing":                {nil, 900 * time.Millisecond, 0},
		"no Ingress":             {[]record.Object{secret, secret}, 900 * time.Millisecond, 0},
		"one":                    {[]record.Object{ingress}, 900 * time.Millisecond, 0},
		"two with time enough":   {[]record.Object{ingress, ingress}, 600 * time.Millisecond, 0},
		"two across a second":    {[]record.Object{ingress, ingress}, 800 * time.Millisecond, 200 * time.Millisecond},
		"two, apart":             {[]record.Object{ingress, secret, ingress}, 600 * time.Millisecond, 400 * time.Millisecond},
		"two after a Secret":     {[]record.Object{secret, ingress, ingress}, 500 * time.Millisecond, 200 * time.Millisecond},
		"four":                   {[]record.Object{ingress, ingress, ingress, ingress}, 50 * time.Millisecond, 0},
		"four, later":            {[]record.Object{ingress, ingress, ingress, ingress}, 150 * time.Millisecond, 850 * time.Millisecond},
		"more than a second has": {[]record.Object{ingress, ingress, ingress, ingress, ingress}, 900 * time.Millisecond, 0},
	} {
		if got := untilRoom(time.Unix(1000, 0).Add(test.at), test.objects); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

func TestSameAge(t *testing.T) {
	t.Parallel()
	created := func(second int64) *unstructured.Unstructured {
		object := &unstructured.Unstructured{Object: map[string]any{}}
		object.SetCreationTimestamp(metav1.Unix(second, 0))
		return object
	}
	if !sameAge(nil) || !sameAge([]*unstructured.Unstructured{created(1), created(1)}) {
		t.Error("objects of the same second count as of different ages")
	}
	if sameAge([]*unstructured.Unstructured{created(1), created(1), created(2)}) {
		t.Error("objects of two seconds count as of the same age")
	}
}
