package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/clusters/embedded/addressplan"
	"github.com/ingress-testbed/testbed/clusters/embedded/control"
)

var _ clusters.Disruptor = (*Cluster)(nil)

const (
	// kubeletPort is open on every node.
	kubeletPort       = 10250
	reconnectTimeout  = 30 * time.Second
	reconnectInterval = 100 * time.Millisecond
)

// Disconnect takes down the network link of a worker. The returned function brings it up again, and waits until the node can be
// reached.
func (c *Cluster) Disconnect(ctx context.Context, node string) (reconnect func(context.Context) error, err error) {
	first := c.spec.Network.Nodes[0].Name
	if node == first {
		return nil, fmt.Errorf("node %s has the control plane, which the whole cluster needs: disconnect a worker", first)
	}
	if err := c.inside.Plug(ctx, control.PlugRequest{Node: node}); err != nil {
		return nil, fmt.Errorf("disconnecting node %s: %w", node, err)
	}
	return func(ctx context.Context) error { return connectAgain(ctx, c.inside, c.spec.Network, node) }, nil
}

func connectAgain(ctx context.Context, inside *control.Client, network addressplan.Network, node string) error {
	if err := inside.Plug(ctx, control.PlugRequest{Node: node, In: true}); err != nil {
		return fmt.Errorf("connecting node %s again: %w", node, err)
	}
	var address string
	for _, n := range network.Nodes {
		if n.Name == node {
			address = net.JoinHostPort(n.Address.String(), strconv.Itoa(kubeletPort))
		}
	}
	err := wait.PollUntilContextTimeout(ctx, reconnectInterval, reconnectTimeout, true, func(ctx context.Context) (bool, error) {
		attempt, cancel := context.WithTimeout(ctx, 10*reconnectInterval)
		defer cancel()
		conn, err := inside.Dial(attempt, control.DialRequest{From: "router", Network: "tcp", Address: address})
		if err != nil {
			return false, nil
		}
		return true, conn.Close()
	})
	if err != nil {
		return fmt.Errorf("waiting for node %s to be reachable again: %w", node, err)
	}
	return nil
}

// Impair loses or delays the packets of a node. Loss requires only nftables; delays also require the kernel's netem, or TAP devices
// and nftables that can forward what leaves an interface.
func (c *Cluster) Impair(ctx context.Context, node string, impairment clusters.Impairment) (end func(context.Context) error, err error) {
	request := control.ImpairRequest{Node: node, Loss: impairment.Loss, Delay: impairment.Delay, Jitter: impairment.Jitter}
	if err := c.inside.Impair(ctx, request); err != nil {
		err = fmt.Errorf("disturbing the packets of node %s: %w", node, err)
		if errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.EOPNOTSUPP) {
			err = fmt.Errorf("the kernel lacks nftables' numgen, or both netem (module sch_netem) and TAP devices (module tun): %w: %w", err, clusters.ErrUnsupported)
		}
		return nil, err
	}
	return func(ctx context.Context) error {
		if err := c.inside.Impair(ctx, control.ImpairRequest{Node: node}); err != nil {
			return fmt.Errorf("leaving the packets of node %s alone again: %w", node, err)
		}
		return nil
	}, nil
}

// Suspend pauses the processes of a node or a Pod (SIGSTOP).
func (c *Cluster) Suspend(ctx context.Context, processes clusters.Processes) (end func(context.Context) error, err error) {
	if first := c.spec.Network.Nodes[0].Name; processes.Node == first {
		return nil, fmt.Errorf("node %s has the control plane, which the whole cluster needs: suspend the processes of a worker", first)
	}
	request := control.SuspendRequest{Node: processes.Node, Namespace: processes.Namespace, Pod: processes.Pod, Suspend: true}
	if err := c.inside.Suspend(ctx, request); err != nil {
		return nil, fmt.Errorf("suspending processes: %w", err)
	}
	request.Suspend = false
	return func(ctx context.Context) error {
		if err := c.inside.Suspend(ctx, request); err != nil {
			return fmt.Errorf("continuing processes: %w", err)
		}
		return nil
	}, nil
}

// Stop kills a component of the control plane.
func (c *Cluster) Stop(ctx context.Context, component clusters.Component) (end func(context.Context) error, err error) {
	if err := c.inside.Component(ctx, control.ComponentRequest{Name: string(component)}); err != nil {
		return nil, fmt.Errorf("stopping %s: %w", component, err)
	}
	return func(ctx context.Context) error {
		if err := c.inside.Component(ctx, control.ComponentRequest{Name: string(component), Run: true}); err != nil {
			return fmt.Errorf("starting %s again: %w", component, err)
		}
		return nil
	}, nil
}
