package kube

import (
	"sync"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	"github.com/ingress-testbed/testbed/controller"
)

// changes gathers what has changed until it is taken.
type changes struct {
	signal notifier

	mu      sync.Mutex
	pending controller.Change
	slices  map[types.NamespacedName]bool // of pending.Endpoints
}

func newChanges() *changes {
	return &changes{signal: newNotifier(), slices: map[types.NamespacedName]bool{}}
}

// other records a change of an object that is not an EndpointSlice.
func (c *changes) other() {
	c.mu.Lock()
	c.pending.Other = true
	c.mu.Unlock()
	c.signal.notify()
}

// endpoints records a change of an EndpointSlice of a Service.
func (c *changes) endpoints(service types.NamespacedName) {
	c.mu.Lock()
	if !c.slices[service] {
		c.slices[service] = true
		c.pending.Endpoints = append(c.pending.Endpoints, service)
	}
	c.mu.Unlock()
	c.signal.notify()
}

// take returns what has changed since the last call.
func (c *changes) take() controller.Change {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.pending
	c.pending = controller.Change{}
	clear(c.slices)
	return taken
}

// objectHandler records changes of objects of all kinds except EndpointSlices.
func (c *changes) objectHandler() cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { c.other() },
		UpdateFunc: func(any, any) { c.other() },
		DeleteFunc: func(any) { c.other() },
	}
}

// sliceHandler records changes of EndpointSlices. The label of a slice may change from one Service to another.
func (c *changes) sliceHandler() cache.ResourceEventHandler {
	note := func(object any) {
		if deleted, is := object.(cache.DeletedFinalStateUnknown); is {
			object = deleted.Obj
		}
		if slice, is := object.(*discoveryv1.EndpointSlice); is {
			c.endpoints(serviceOf(slice))
		} else {
			c.other()
		}
	}
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    note,
		UpdateFunc: func(former, next any) { note(former); note(next) },
		DeleteFunc: note,
	}
}
