//go:build linux

package agent

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	corev1listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/apiobjects"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/kubeletapi"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/lifecycle"
)

// pods runs the Pods that are bound to the node, as their informer reports them. A Pod is identified by its UID, as one of
// the same name may follow before the first has ended.
type pods struct {
	ctx    context.Context //nolint:containedctx // of the agent, which Workers live as long as
	client kubernetes.Interface
	lister corev1listers.PodLister
	node   *lifecycle.Node
	// nodeObject returns the node as last seen in the API.
	nodeObject func() *corev1.Node
	status     *statusWriter
	log        *slog.Logger

	mu      sync.Mutex
	workers map[types.UID]*lifecycle.Worker
	// deleting has the Pods whose objects are deleted once the Pods have ended.
	deleting map[types.UID]bool
	// rejected has the Pods that the node does not run.
	rejected map[types.UID]bool
	tasks    sync.WaitGroup
}

func newPods(ctx context.Context, client kubernetes.Interface, lister corev1listers.PodLister, log *slog.Logger) *pods {
	return &pods{
		ctx: ctx, client: client, lister: lister, log: log, status: newStatusWriter(client, lister),
		workers: map[types.UID]*lifecycle.Worker{}, deleting: map[types.UID]bool{}, rejected: map[types.UID]bool{},
	}
}

// handler receives the events of the informer of the node's Pods.
func (p *pods) handler() cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { p.sync(object) },
		UpdateFunc: func(_, object any) { p.sync(object) },
		DeleteFunc: p.deleted,
	}
}

// sync starts a Pod, updates it, or ends it if its object is to be deleted. It is not called concurrently.
func (p *pods) sync(object any) {
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return
	}
	p.mu.Lock()
	w, rejected := p.workers[pod.UID], p.rejected[pod.UID]
	p.mu.Unlock()
	ended := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
	if w == nil && pod.DeletionTimestamp == nil && !ended && !rejected {
		p.start(pod)
	}
	p.mu.Lock()
	remove := pod.DeletionTimestamp != nil && !p.deleting[pod.UID]
	if remove {
		p.deleting[pod.UID] = true
	}
	p.mu.Unlock()
	if w != nil {
		w.Update(pod)
		if pod.DeletionTimestamp != nil {
			w.Terminate(gracePeriod(pod))
		}
	}
	if remove {
		p.tasks.Go(func() { p.remove(pod, w) })
	}
}

// start starts a Pod, or rejects it.
func (p *pods) start(pod *corev1.Pod) {
	why := p.admit(pod)
	p.mu.Lock()
	defer p.mu.Unlock()
	if why == nil {
		p.workers[pod.UID] = lifecycle.Start(p.ctx, p.node, pod, p.status.write)
		return
	}
	p.rejected[pod.UID] = true
	p.tasks.Go(func() { p.reject(pod, *why) })
}

// gracePeriod is that of a Pod whose object is to be deleted.
func gracePeriod(pod *corev1.Pod) time.Duration {
	if pod.DeletionGracePeriodSeconds == nil {
		return 0
	}
	return time.Duration(*pod.DeletionGracePeriodSeconds) * time.Second
}

const (
	deleteTimeout  = 30 * time.Second
	deleteInterval = time.Second
)

// remove deletes a Pod's object after the last process of the Pod is gone and the final status is written: others rely on
// both. The worker is nil for a Pod that doesn't run here.
func (p *pods) remove(pod *corev1.Pod, w *lifecycle.Worker) {
	if w != nil {
		<-w.Done()
	}
	for p.ctx.Err() == nil {
		err := p.deleteObject(pod)
		if err == nil {
			return
		}
		p.log.Error("deleting the object of a Pod that has ended", "pod", pod.Namespace+"/"+pod.Name, "error", err)
		select {
		case <-time.After(deleteInterval):
		case <-p.ctx.Done():
		}
	}
}

func (p *pods) deleteObject(pod *corev1.Pod) error {
	ctx, cancel := context.WithTimeout(p.ctx, deleteTimeout)
	defer cancel()
	options := metav1.NewDeleteOptions(0)
	options.Preconditions = metav1.NewUIDPreconditions(string(pod.UID))
	err := p.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, *options)
	if isGone(err) {
		return nil
	}
	return err
}

// isGone reports whether an error says that the object does not exist, or another of the same name does.
func isGone(err error) bool { return apierrors.IsNotFound(err) || apierrors.IsConflict(err) }

// deleted ends a Pod at once whose object has been deleted, and then forgets it.
func (p *pods) deleted(object any) {
	if tombstone, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = tombstone.Obj
	}
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return
	}
	p.mu.Lock()
	w := p.workers[pod.UID]
	delete(p.deleting, pod.UID)
	delete(p.rejected, pod.UID)
	p.mu.Unlock()
	if w == nil {
		p.status.forget(pod.UID)
		return
	}
	w.Terminate(0)
	p.tasks.Go(func() {
		<-w.Done()
		p.status.forget(pod.UID)
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.workers, pod.UID)
	})
}

// objectChanged makes the Pods that may have mounted a ConfigMap or Secret refresh their volumes.
func (p *pods) objectChanged(ref apiobjects.Reference) {
	for _, w := range p.all() {
		if w.Pod().Namespace == ref.Namespace {
			w.Refresh()
		}
	}
}

// wait waits until all Pods have ended, which they do with the agent's context.
func (p *pods) wait() {
	for _, w := range p.all() {
		<-w.Done()
	}
	p.tasks.Wait()
}

func (p *pods) all() []*lifecycle.Worker {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(maps.Values(p.workers))
}

// List returns all Pods that run here, with their current status.
func (p *pods) List() []*corev1.Pod {
	workers := p.all()
	list := make([]*corev1.Pod, 0, len(workers))
	for _, w := range workers {
		pod := w.Pod().DeepCopy()
		pod.Status = w.Status()
		list = append(list, pod)
	}
	return list
}

// All returns all Pods that run here.
func (p *pods) All() []kubeletapi.Pod {
	workers := p.all()
	list := make([]kubeletapi.Pod, len(workers))
	for i, w := range workers {
		list[i] = w
	}
	return list
}

// Find finds a Pod for the kubelet's API: the one that has the name in the API now or, if none has, one that still runs
// under it.
func (p *pods) Find(namespace, name string) (kubeletapi.Pod, error) {
	if current, err := p.lister.Pods(namespace).Get(name); err == nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		if w := p.workers[current.UID]; w != nil {
			return w, nil
		}
		return nil, fmt.Errorf("%s/%s: %w", namespace, name, kubeletapi.ErrNotFound)
	}
	for _, w := range p.all() {
		if pod := w.Pod(); pod.Namespace == namespace && pod.Name == name {
			return w, nil
		}
	}
	return nil, fmt.Errorf("%s/%s: %w", namespace, name, kubeletapi.ErrNotFound)
}
