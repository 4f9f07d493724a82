package agent

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
)

// podClient is the API that virtual-kubelet gets to see. It changes two of its habits into the kubelet's.
type podClient struct {
	typedcorev1.PodsGetter
	provider *provider
}

// Pods of a namespace.
func (c podClient) Pods(namespace string) typedcorev1.PodInterface {
	return pods{c.PodsGetter.Pods(namespace), c.provider, namespace}
}

type pods struct {
	typedcorev1.PodInterface
	provider  *provider
	namespace string
}

// Delete deletes an object once nothing of the Pod is left. Virtual-kubelet wants to delete as soon as no container
// runs, also while the first is being started or a sandbox is still there, and when the grace period is over, also if
// the last process is just being killed. In those cases the Pod's end is brought about, which then deletes the object.
func (p pods) Delete(ctx context.Context, name string, options metav1.DeleteOptions) error {
	if options.Preconditions != nil && options.Preconditions.UID != nil {
		if w := p.provider.byUID(*options.Preconditions.UID); w != nil {
			select {
			case <-w.Done():
			default:
				w.Terminate(graceOf(w.Pod()))
				return nil
			}
		}
	}
	return p.PodInterface.Delete(ctx, name, options)
}

// UpdateStatus patches what has changed. Virtual-kubelet replaces the whole status with what the node knows, which
// would take away the conditions that others have set in the meantime.
func (p pods) UpdateStatus(ctx context.Context, pod *corev1.Pod, _ metav1.UpdateOptions) (*corev1.Pod, error) {
	current, err := p.provider.known(pod)
	if err != nil {
		return nil, err
	}
	patch, changed, err := statusPatch(current, pod.Status)
	if err != nil || !changed {
		return current, err
	}
	written, err := p.Patch(ctx, pod.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	if err == nil {
		p.provider.wrote(written)
	}
	return written, err
}

// known is the newest state of a Pod in the API that this agent has seen: from its cache or as the answer to its own last
// write, which the cache may not have caught up with.
func (p *provider) known(pod *corev1.Pod) (*corev1.Pod, error) {
	cached, err := p.lister.Pods(pod.Namespace).Get(pod.Name)
	if err != nil {
		return nil, err
	}
	if cached.UID != pod.UID {
		return nil, apierrors.NewNotFound(corev1.Resource("pods"), pod.Name)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	written := p.written[pod.UID]
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

func (p *provider) wrote(pod *corev1.Pod) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.written[pod.UID] = pod
}

// statusPatch leads from a Pod as it is in the API to a status. It carries the UID, so that it can't hit another Pod
// of the same name.
func statusPatch(current *corev1.Pod, status corev1.PodStatus) (patch []byte, changed bool, err error) {
	before, err := json.Marshal(corev1.Pod{Status: current.Status})
	if err != nil {
		return nil, false, fmt.Errorf("comparing status: %w", err)
	}
	after, err := json.Marshal(corev1.Pod{Status: keepOthers(current.Status, status)})
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

// keepOthers takes what isn't the node's to say from the API.
func keepOthers(current, status corev1.PodStatus) corev1.PodStatus {
	status.QOSClass = current.QOSClass
	status.NominatedNodeName = current.NominatedNodeName
	known := map[corev1.PodConditionType]bool{}
	conditions := make([]corev1.PodCondition, 0, len(status.Conditions))
	for _, c := range status.Conditions {
		known[c.Type] = true
		conditions = append(conditions, c)
	}
	for i := range current.Conditions {
		if !known[current.Conditions[i].Type] {
			conditions = append(conditions, current.Conditions[i])
		}
	}
	status.Conditions = conditions
	return status
}

func isGone(err error) bool { return apierrors.IsNotFound(err) || apierrors.IsConflict(err) }
