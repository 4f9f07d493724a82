package clusters

import (
	"context"
	"time"
)

// Disruptor is a Cluster whose machines and processes can be disturbed. Each disturbance lasts until the function that is
// returned is called, which must be done, also if ctx has ended; it waits until what was disturbed can be used again.
type Disruptor interface {
	// Disconnect pulls out the network cable of a node without control plane.
	Disconnect(ctx context.Context, node string) (end func(context.Context) error, err error)
	// Impair disturbs the packets on a node's cable, in both directions. The error wraps ErrUnsupported if the kernel can't.
	Impair(ctx context.Context, node string, impairment Impairment) (end func(context.Context) error, err error)
	// Suspend stops processes in such a way that they continue later, as if they hung (SIGSTOP).
	Suspend(ctx context.Context, processes Processes) (end func(context.Context) error, err error)
	// Stop kills a component of the control plane, and starts it again at the end.
	Stop(ctx context.Context, component Component) (end func(context.Context) error, err error)
}

// Impairment is what happens to packets.
type Impairment struct {
	// Loss is the share of packets that are lost, from 0 to 1.
	Loss float64
	// Delay of each packet, which differs by up to Jitter in either direction.
	Delay, Jitter time.Duration
}

// Processes are those of a node without control plane, its Pods' included, or those of a Pod.
type Processes struct {
	Node string
	// Namespace and Pod, if Node is empty.
	Namespace, Pod string
}

// Component is a program of the control plane.
type Component string

// The components that can be stopped.
const (
	APIServer Component = "kube-apiserver"
	Etcd      Component = "etcd"
)
