//go:build linux

package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/kubernetes"
	corev1listers "k8s.io/client-go/listers/core/v1"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/podstatus"
)

// statusWriter writes the status of Pods to the API, as patches of what has changed.
type statusWriter struct {
	client kubernetes.Interface
	lister corev1listers.PodLister

	mu sync.Mutex
	// written is each Pod as the API server returned it after the last write.
	written map[types.UID]*corev1.Pod
}

func newStatusWriter(client kubernetes.Interface, lister corev1listers.PodLister) *statusWriter {
	return &statusWriter{client: client, lister: lister, written: map[types.UID]*corev1.Pod{}}
}

// write writes the status of a Pod. It does nothing if the Pod's object does not exist any more.
func (s *statusWriter) write(ctx context.Context, pod *corev1.Pod) error {
	current, err := s.newest(pod)
	if isGone(err) {
		return nil
	}
	if err != nil {
		return err
	}
	patch, changed, err := statusPatch(current, pod.Status)
	if err != nil || !changed {
		return err
	}
	written, err := s.client.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	if isGone(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("writing the status of Pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.written[pod.UID] = written
	return nil
}

// forget removes the last written version of a Pod that was deleted.
func (s *statusWriter) forget(uid types.UID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.written, uid)
}

// newest returns the newest version of a Pod that is known: that of the informer, or that of the last write, which the
// informer may not have received yet.
func (s *statusWriter) newest(pod *corev1.Pod) (*corev1.Pod, error) {
	cached, err := s.lister.Pods(pod.Namespace).Get(pod.Name)
	if err != nil {
		return nil, err
	}
	if cached.UID != pod.UID {
		return nil, apierrors.NewNotFound(corev1.Resource("pods"), pod.Name)
	}
	s.mu.Lock()
	written := s.written[pod.UID]
	s.mu.Unlock()
	if written == nil {
		return cached, nil
	}
	order, err := resourceversion.CompareResourceVersion(written.ResourceVersion, cached.ResourceVersion)
	if err != nil {
		return nil, fmt.Errorf("comparing versions of Pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	if order > 0 {
		return written, nil
	}
	return cached, nil
}

// statusPatch leads from a Pod as it is in the API to a status. It contains the UID, so that it can't affect another Pod of
// the same name.
func statusPatch(current *corev1.Pod, status corev1.PodStatus) (patch []byte, changed bool, err error) {
	status.QOSClass, status.NominatedNodeName = current.Status.QOSClass, current.Status.NominatedNodeName
	status.Conditions = podstatus.Merge(status.Conditions, current.Status.Conditions)
	before, err := json.Marshal(corev1.Pod{Status: current.Status})
	if err != nil {
		return nil, false, fmt.Errorf("comparing status: %w", err)
	}
	after, err := json.Marshal(corev1.Pod{Status: status})
	if err != nil {
		return nil, false, fmt.Errorf("comparing status: %w", err)
	}
	difference, err := strategicpatch.CreateTwoWayMergePatch(before, after, corev1.Pod{})
	if err != nil {
		return nil, false, fmt.Errorf("comparing status: %w", err)
	}
	if string(difference) == "{}" {
		return nil, false, nil
	}
	var fields map[string]any
	if err := json.Unmarshal(difference, &fields); err != nil {
		return nil, false, fmt.Errorf("comparing status: %w", err)
	}
	fields["metadata"] = map[string]any{"uid": current.UID}
	patch, err = json.Marshal(fields)
	return patch, true, err
}
