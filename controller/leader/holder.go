package leader

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/klog/v2"
)

// podLock is a lock that Pods hold under their names. It is free as soon as its holder no longer exists: a Pod that is deleted
// along with its permissions, as by `helm uninstall`, can't give it back, and the next one would wait until the lease
// expires.
type podLock struct {
	lease     resourcelock.Interface
	client    kubernetes.Interface
	namespace string
}

var _ resourcelock.Interface = podLock{}

// Get returns the record, without its holder if that Pod is gone.
func (l podLock) Get(ctx context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	record, raw, err := l.lease.Get(ctx)
	if err != nil || record.HolderIdentity == "" || record.HolderIdentity == l.Identity() || l.exists(ctx, record.HolderIdentity) {
		return record, raw, err
	}
	klog.V(2).InfoS("The leader's Pod is gone", "leader", record.HolderIdentity)
	free := *record
	free.HolderIdentity = ""
	return &free, raw, nil
}

// Create implements resourcelock.Interface.
func (l podLock) Create(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	return l.lease.Create(ctx, record)
}

// Update implements resourcelock.Interface.
func (l podLock) Update(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	return l.lease.Update(ctx, record)
}

// RecordEvent implements resourcelock.Interface.
func (l podLock) RecordEvent(event string) { l.lease.RecordEvent(event) }

// Identity implements resourcelock.Interface.
func (l podLock) Identity() string { return l.lease.Identity() }

// Describe implements resourcelock.Interface.
func (l podLock) Describe() string { return l.lease.Describe() }

// exists reports whether there is a Pod of that name, or may be one. The controller has no permission to get a Pod, but it may list
// them.
func (l podLock) exists(ctx context.Context, pod string) bool {
	found, err := l.client.CoreV1().Pods(l.namespace).List(ctx, metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector(metav1.ObjectNameField, pod).String(),
	})
	if err != nil {
		klog.V(2).InfoS("Looking for the leader's Pod", "leader", pod, "err", err)
		return true
	}
	return slices.ContainsFunc(found.Items, func(one corev1.Pod) bool { return one.Name == pod })
}
