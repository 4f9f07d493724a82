// Package kubetest has a clientset for tests of what watches the cluster.
package kubetest

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

// NewClientset makes a fake clientset with the given objects, whose watchers get copies of them, as clients of an API server
// do. That of client-go sends a watcher the stored object itself if it was made between the list and the watch; an informer
// that trims its objects then changes one that others are reading.
func NewClientset(objects ...runtime.Object) *fake.Clientset {
	client := fake.NewClientset(objects...)
	client.PrependWatchReactor("*", func(action clienttesting.Action) (bool, watch.Interface, error) {
		var options metav1.ListOptions
		if watching, is := action.(clienttesting.WatchActionImpl); is {
			options = watching.ListOptions
		}
		watcher, err := client.Tracker().Watch(action.GetResource(), action.GetNamespace(), options)
		if err != nil {
			return true, nil, err
		}
		return true, copies(watcher), nil
	})
	return client
}

// copies returns a watcher of copies of the objects that another one sends, which it stops in the end.
func copies(of watch.Interface) watch.Interface {
	events := make(chan watch.Event)
	watcher := watch.NewProxyWatcher(events)
	go func() {
		defer close(events)
		defer of.Stop()
		for {
			select {
			case event, open := <-of.ResultChan():
				if !open {
					return
				}
				event.Object = event.Object.DeepCopyObject()
				select {
				case events <- event:
				case <-watcher.StopChan():
					return
				}
			case <-watcher.StopChan():
				return
			}
		}
	}()
	return watcher
}
