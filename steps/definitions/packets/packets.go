// Package packets defines the steps about the packets on a link of the cluster. Each capture runs until a step examines
// it.
package packets

import (
	"context"
	"io"
	"net/netip"

	corev1 "k8s.io/api/core/v1"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/steps/nodes"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
)

// Dependencies are what the steps use.
type Dependencies struct {
	// Cluster captures packets.
	Cluster interface {
		Capture(ctx context.Context, target clusters.CaptureTarget) (io.ReadCloser, error)
	}
	// Client is the address of the client outside as the links see it, which may be unknown (the zero value).
	Client netip.Addr
	// ClientAddress is the same if the controller sees it too, and otherwise an error that says why not.
	ClientAddress func() (netip.Addr, error)
	Nodes         nodes.List
	Controller    interface {
		Pod(ctx context.Context) (corev1.Pod, error)
	}
	Pods interface {
		Pods(ctx context.Context, namespace, labels string) ([]corev1.Pod, error)
		PodsOf(ctx context.Context, namespace, name string) ([]corev1.Pod, error)
	}
	// Dir is the folder that the captures are written to.
	Dir string
}

// steps are the handlers.
type steps Dependencies

// Definitions returns the steps.
func Definitions(dependencies Dependencies) []vocabulary.Definition {
	s := steps(dependencies)
	return []vocabulary.Definition{
		{
			Pattern: `packets are captured on the link of the controller's Pod`,
			Example: `packets are captured on the link of the controller's Pod`,
			Uses:    vocabulary.Cluster,
			Handler: func(ctx context.Context) (context.Context, error) {
				pod, err := s.Controller.Pod(ctx)
				if err != nil {
					return ctx, err
				}
				return s.start(ctx, podLink, clusters.CaptureTarget{Namespace: pod.Namespace, Pod: pod.Name})
			},
		},
		{
			Pattern: `packets are captured on the link of the node "([^"]*)"`,
			Example: `packets are captured on the link of the node "${controller node}"`,
			Uses:    vocabulary.Cluster,
			Handler: func(ctx context.Context, node string) (context.Context, error) {
				return s.start(ctx, nodeLink, clusters.CaptureTarget{Node: node})
			},
		},
		{
			Pattern: `on the (Pod|node)'s link, the client opened a connection to port (\d+) of "([^"]*)"`,
			Example: `on the Pod's link, the client opened a connection to port 443 of "${controller address}"`,
			Handler: s.clientOpened,
		},
		{
			Pattern: `on the (Pod|node)'s link, no packet uses the TCP port (\d+)`,
			Example: `on the Pod's link, no packet uses the TCP port 30443`,
			Handler: s.portIsUnused,
		},
		{
			Pattern: `on the (Pod|node)'s link, the client's TLS ClientHello on port (\d+) names "([^"]*)"`,
			Example: `on the Pod's link, the client's TLS ClientHello on port 443 names "gyull.com"`,
			Handler: s.clientHelloNames,
		},
		{
			Pattern: `on the (Pod|node)'s link, the server answers with a TLS ServerHello from port (\d+)`,
			Example: `on the Pod's link, the server answers with a TLS ServerHello from port 443`,
			Handler: s.serverHello,
		},
		{
			Pattern: `on the (Pod|node)'s link, "([^"]*)" exchanges data with each Pod of "([^"]*)" on port (\d+)`,
			Example: `on the Pod's link, "${controller address}" exchanges data with each Pod of "deploy3-adminsrv" on port 8080`,
			Handler: s.connectsToEach,
		},
		{
			Pattern: `on the node's link, "([^"]*)" exchanges data with each Pod of "([^"]*)" on port (\d+), only in VXLAN to UDP port (\d+) of the Pod's node`,
			Example: `on the node's link, "${controller address}" exchanges data with each Pod of "deploy3-adminsrv" on port 8080, only in VXLAN to UDP port 8472 of the Pod's node`,
			Handler: s.connectsThroughTunnel,
		},
	}
}

// The links that a scenario can capture on, as steps write them.
const (
	podLink  = "Pod"
	nodeLink = "node"
)
