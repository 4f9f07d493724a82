//go:build linux

package testnetwork

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"

	"k8s.io/client-go/kubernetes"

	"github.com/ingress-testbed/testbed/clusters/capture"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent"
	"github.com/ingress-testbed/testbed/clusters/embedded/control"
	"github.com/ingress-testbed/testbed/clusters/embedded/network"
	"github.com/ingress-testbed/testbed/clusters/embedded/node"
	"github.com/ingress-testbed/testbed/clusters/embedded/registry"
)

// handler answers the requests of the host once the test network is built.
type handler struct {
	spec      control.Spec
	topology  *network.Topology
	puller    *registry.Puller
	processes *processes
	client    kubernetes.Interface
}

// Dial opens a connection from a machine.
func (h *handler) Dial(ctx context.Context, request control.DialRequest) (*os.File, error) {
	from, err := h.topology.Namespace(request.From)
	if err != nil {
		return nil, err
	}
	to, err := netip.ParseAddrPort(request.Address)
	if err != nil {
		return nil, fmt.Errorf("from %s: %w", request.From, err)
	}
	return from.Dial(ctx, request.Network, to)
}

// Capture listens on an interface of a machine.
func (h *handler) Capture(ctx context.Context, request control.Link, w io.Writer) error {
	on, err := h.topology.Namespace(request.Machine)
	if err != nil {
		return err
	}
	return on.Do(func() error { return capture.Run(ctx, request.Interface, w) })
}

// Plug disconnects a node's cable, or connects it again.
func (h *handler) Plug(_ context.Context, request control.PlugRequest) error {
	return h.topology.Plug(request.Node, request.In)
}

// PodLink finds the node's end of a pod's link.
func (h *handler) PodLink(_ context.Context, request control.PodRequest) (control.Link, error) {
	for _, planned := range h.spec.Network.Nodes {
		pod, err := agent.ReadPodNetwork(node.AgentDir(nodeDir(planned.Name)), request.Namespace, request.Pod)
		if err == nil {
			return control.Link{Machine: planned.Name, Interface: pod.HostInterface}, nil
		}
		if !errors.Is(err, agent.ErrNoPodNetwork) {
			return control.Link{}, err
		}
	}
	return control.Link{}, fmt.Errorf("pod %s/%s: %w", request.Namespace, request.Pod, agent.ErrNoPodNetwork)
}
