package cluster

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ingress-testbed/testbed/steps/replay/record"
)

// Creation times are in whole seconds, and controllers let the age of Ingresses decide which comes first. Those of a case without a
// spacing were of the same second when it was recorded, so that their names decided. They have to be of one second here, too.
const (
	// applyTime is about what applying an object takes.
	applyTime = 100 * time.Millisecond
	// ageAttempts is how often the objects of a case are applied until its Ingresses are of the same second.
	ageAttempts = 5
)

// untilRoom is how long to wait before the first Ingress of a list of objects is applied, so that the last one is applied in
// the same second. It is 0 if they take longer than a second.
func untilRoom(now time.Time, objects []record.Object) time.Duration {
	isIngress := func(object record.Object) bool { return object.Kind() == "Ingress" }
	first := slices.IndexFunc(objects, isIngress)
	if first < 0 {
		return 0
	}
	last := first
	for i := range objects {
		if isIngress(objects[i]) {
			last = i
		}
	}
	const each = objectSpacing + applyTime
	begin := now.Add(time.Duration(first) * each)
	left := begin.Truncate(time.Second).Add(time.Second).Sub(begin)
	if span := time.Duration(last-first) * each; last > first && span < time.Second && left < span {
		return left
	}
	return 0
}

// sameAge reports whether objects were created in the same second.
func sameAge(objects []*unstructured.Unstructured) bool {
	return !slices.ContainsFunc(objects, func(object *unstructured.Unstructured) bool {
		created, first := object.GetCreationTimestamp(), objects[0].GetCreationTimestamp()
		return !created.Equal(&first)
	})
}
