package agent

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/errdefs"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	corev1listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/apiobjects"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/kubeletapi"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/lifecycle"
)

// provider is what virtual-kubelet drives: it hands each Pod to a Worker and keeps Workers and objects in step. A Pod is
// known by its UID, as one of the same name may follow before the first has ended.
type provider struct {
	client kubernetes.Interface
	lister corev1listers.PodLister
	node   *lifecycle.Node
	ctx    context.Context //nolint:containedctx // of the agent, which Workers live as long as
	log    *slog.Logger

	mu      sync.Mutex
	workers map[types.UID]*lifecycle.Worker
	// written is each Pod as the API server returned it after the last change of its status.
	written map[types.UID]*corev1.Pod
	notify  func(*corev1.Pod)
}

func newProvider(client kubernetes.Interface, lister corev1listers.PodLister, log *slog.Logger) *provider {
	return &provider{client: client, lister: lister, log: log, workers: map[types.UID]*lifecycle.Worker{},
		written: map[types.UID]*corev1.Pod{}}
}

// NotifyPods is called by virtual-kubelet to hear of changes.
func (p *provider) NotifyPods(_ context.Context, notify func(*corev1.Pod)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.notify = notify
}

// CreatePod begins to run a Pod.
func (p *provider) CreatePod(_ context.Context, pod *corev1.Pod) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.workers[pod.UID] != nil {
		return nil
	}
	w := lifecycle.Start(p.ctx, p.node, pod, p.notify)
	p.workers[pod.UID] = w
	go p.finish(w)
	return nil
}

// finish waits for a Pod's end and then, if it was to be deleted, deletes its object: after the last process is gone and
// the final status is written, as others rely on both.
func (p *provider) finish(w *lifecycle.Worker) {
	<-w.Done()
	pod := w.Pod()
	if p.ctx.Err() != nil || pod.DeletionTimestamp == nil {
		return
	}
	p.deleteObject(w)
}

func (p *provider) deleteObject(w *lifecycle.Worker) {
	ctx, cancel := context.WithTimeout(p.ctx, deleteTimeout)
	defer cancel()
	pod := w.Pod().DeepCopy()
	pod.Status = w.Status()
	client := podClient{p.client.CoreV1(), p}.Pods(pod.Namespace)
	if _, err := client.UpdateStatus(ctx, pod, metav1.UpdateOptions{}); err != nil && !isGone(err) {
		p.log.Warn("writing the final status of a Pod", "pod", pod.Namespace+"/"+pod.Name, "error", err)
	}
	options := metav1.NewDeleteOptions(0)
	options.Preconditions = metav1.NewUIDPreconditions(string(pod.UID))
	if err := client.Delete(ctx, pod.Name, *options); err != nil && !isGone(err) {
		p.log.Error("deleting the object of a Pod that has ended", "pod", pod.Namespace+"/"+pod.Name, "error", err)
	}
}

const deleteTimeout = 30 * time.Second

// UpdatePod hands a changed Pod on.
func (p *provider) UpdatePod(ctx context.Context, pod *corev1.Pod) error {
	if w := p.byUID(pod.UID); w != nil {
		w.Update(pod)
		return nil
	}
	return p.CreatePod(ctx, pod)
}

// DeletePod begins to end a Pod, or makes it end sooner.
func (p *provider) DeletePod(_ context.Context, pod *corev1.Pod) error {
	w := p.byUID(pod.UID)
	if w == nil {
		return errdefs.NotFoundf("Pod %s/%s is not running here", pod.Namespace, pod.Name)
	}
	if pod.DeletionTimestamp != nil {
		w.Update(pod)
	}
	w.Terminate(graceOf(pod))
	return nil
}

// graceOf is what is left of a Pod's time. An object that is gone, without having been marked before, leaves none.
func graceOf(pod *corev1.Pod) time.Duration {
	if pod.DeletionTimestamp == nil || pod.DeletionGracePeriodSeconds == nil {
		return 0
	}
	return time.Duration(*pod.DeletionGracePeriodSeconds) * time.Second
}

// GetPod returns the Pod that has the name in the API now or, if none has, one that still runs under it.
func (p *provider) GetPod(_ context.Context, namespace, name string) (*corev1.Pod, error) {
	w := p.byName(namespace, name)
	if w == nil {
		return nil, errdefs.NotFoundf("Pod %s/%s is not running here", namespace, name)
	}
	pod := w.Pod().DeepCopy()
	pod.Status = w.Status()
	return pod, nil
}

// GetPodStatus returns the status as last reported.
func (p *provider) GetPodStatus(ctx context.Context, namespace, name string) (*corev1.PodStatus, error) {
	pod, err := p.GetPod(ctx, namespace, name)
	if err != nil {
		return nil, err
	}
	return &pod.Status, nil
}

// GetPods returns all Pods that run here.
func (p *provider) GetPods(context.Context) ([]*corev1.Pod, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pods := make([]*corev1.Pod, 0, len(p.workers))
	for _, w := range p.workers {
		pod := w.Pod().DeepCopy()
		pod.Status = w.Status()
		pods = append(pods, pod)
	}
	return pods, nil
}

func (p *provider) byUID(uid types.UID) *lifecycle.Worker {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.workers[uid]
}

func (p *provider) byName(namespace, name string) *lifecycle.Worker {
	current, err := p.lister.Pods(namespace).Get(name)
	if err == nil {
		return p.byUID(current.UID)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.workers {
		if pod := w.Pod(); pod.Namespace == namespace && pod.Name == name {
			return w
		}
	}
	return nil
}

// podUpdated hears of changes that virtual-kubelet doesn't pass on, such as readiness gates, which others set.
func (p *provider) podUpdated(_, now any) {
	pod, ok := now.(*corev1.Pod)
	if !ok {
		return
	}
	if w := p.byUID(pod.UID); w != nil {
		w.Update(pod)
	}
}

// podDeleted ends a Pod whose object is gone, at once, and forgets it.
func (p *provider) podDeleted(obj any) {
	if tombstone, ok := obj.(cache.DeletedFinalStateUnknown); ok {
		obj = tombstone.Obj
	}
	pod, ok := obj.(*corev1.Pod)
	if !ok {
		return
	}
	p.mu.Lock()
	delete(p.written, pod.UID)
	w := p.workers[pod.UID]
	p.mu.Unlock()
	if w == nil {
		return
	}
	w.Terminate(0)
	go func() {
		<-w.Done()
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.workers, pod.UID)
	}()
}

// objectChanged wakes the Pods that may have mounted a ConfigMap or Secret.
func (p *provider) objectChanged(ref apiobjects.Reference) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.workers {
		if w.Pod().Namespace == ref.Namespace {
			w.Refresh()
		}
	}
}

// endAll waits for the end of all Pods, which the end of the agent's context brought about.
func (p *provider) endAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.workers {
		<-w.Done()
	}
}

// Find finds a Pod for the kubelet's API.
func (p *provider) Find(namespace, name string) (kubeletapi.Pod, error) {
	if w := p.byName(namespace, name); w != nil {
		return w, nil
	}
	return nil, fmt.Errorf("%s/%s: %w", namespace, name, kubeletapi.ErrNotFound)
}
