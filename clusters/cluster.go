// Package clusters is the interface of the Kubernetes clusters that the test-bed runs on. Each subpackage provides a kind of
// cluster, or a part that several kinds use.
package clusters

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
)

// ErrUnsupported is wrapped by what a cluster cannot show, such as tunnelled traffic on a cluster that routes. Steps
// turn it into a skipped scenario that gives the error's text as its reason.
var ErrUnsupported = errors.New("not supported by this cluster")

// ErrClient is wrapped by the error of a connection that was not attempted, because the machine that it was to be opened from is
// too busy or has ended. It says nothing about the cluster.
var ErrClient = errors.New("the client could not connect")

// Cluster is a running Kubernetes cluster with a machine on its outside. All addresses are as seen in the cluster's
// own network, which need not be reachable from this process except through the methods here.
type Cluster interface {
	// Name of the cluster, unique on this machine.
	Name() string
	// Kubeconfig is the path of a kubeconfig file that works from this process.
	Kubeconfig() string
	// Nodes of the cluster, the one with the control plane first.
	Nodes(ctx context.Context) ([]Node, error)
	// Client is the machine outside the cluster from which requests are made.
	Client() Client
	// Access describes how the Client reaches Services of the cluster.
	Access() Access
	// LoadImage makes the images of an archive (OCI layout or docker-archive, a tar file) known to all nodes.
	LoadImage(ctx context.Context, archive string) error
	// Capture starts capturing packets and returns them as a pcap stream. When it returns, the capture is running:
	// no later packet is missed. The stream ends when ctx is done or the reader is closed.
	Capture(ctx context.Context, target CaptureTarget) (io.ReadCloser, error)
	// ExportLogs writes the logs of the cluster's own parts into dir, for reports of failed runs.
	ExportLogs(ctx context.Context, dir string) error
	// Destroy ends the cluster if this process created it, and otherwise releases what this process used in it.
	Destroy(ctx context.Context) error
}

// Node is one machine of the cluster.
type Node struct {
	Name string
	// InternalIP is the node's address among the nodes.
	InternalIP netip.Addr
	// ExternalIP is the address at which the outside Client reaches the node's NodePorts.
	ExternalIP netip.Addr
	// PodCIDR is the range of the node's pods, and PodGateway the node's own address in it.
	PodCIDR    netip.Prefix
	PodGateway netip.Addr
	// Masquerade lists the source addresses that a pod may see on traffic that came through this node and was
	// masqueraded (externalTrafficPolicy: Cluster): the gateway of the pod range where the pod is on this node, or
	// the node's end of the tunnel where it is on another.
	Masquerade []netip.Addr
}

// Client is a machine outside the cluster.
type Client interface {
	// Addr is the source address that its packets carry when they reach a node.
	Addr() netip.Addr
	// DialContext opens a connection from there, as net.Dialer does.
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// CaptureTarget says where to listen: at the host's end of a pod's link, or on a node's interface.
type CaptureTarget struct {
	// Namespace and Pod name a pod, whose host-side link is captured on.
	Namespace, Pod string
	// Node and Interface name an interface of a node, when Pod is empty. Interface "" is the node's link to the
	// other nodes.
	Node, Interface string
}
