// Package packets defines the steps about the packets on a link of the cluster. Each capture runs until a step examines
// it.
package packets

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/clusters/capture"
	"github.com/ingress-testbed/testbed/steps/nodes"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
	"github.com/ingress-testbed/testbed/steps/world"
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
			Alone:   true,
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
			Alone:   true,
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

// attachedCapture refers to the evidence of a failure.
const attachedCapture = "the capture, attached to this step or to an earlier one"

// clientConnection returns the client's first connection to the port. It must have been captured from its handshake on.
func (s steps) clientConnection(ctx context.Context, link string, port int) (*capture.Conversation, error) {
	client, err := s.ClientAddress()
	if err != nil {
		return nil, err
	}
	recorded, err := s.stop(ctx, link)
	if err != nil {
		return nil, err
	}
	expected := fmt.Sprintf("a TCP connection from the client %s to port %d", client, port)
	for _, conversation := range recorded.conversations {
		if conversation.Client.Addr() != client || int(conversation.Server.Port()) != port {
			continue
		}
		if _, err := conversation.Handshake(); err != nil {
			return nil, world.Failure(expected+", opened with SYN, SYN-ACK and ACK", err.Error(), attachedCapture)
		}
		return conversation, nil
	}
	return nil, world.Failure(expected, recorded.summary(), attachedCapture)
}

func (s steps) clientOpened(ctx context.Context, link string, port int, server string) error {
	conversation, err := s.clientConnection(ctx, link, port)
	if err != nil {
		return err
	}
	if got := conversation.Server.Addr().String(); got != server {
		return world.Failure("the client's connection goes to "+server, got, attachedCapture)
	}
	return nil
}

// portIsUnused also expects a connection of the client on another port, because an empty capture would prove nothing.
func (s steps) portIsUnused(ctx context.Context, link string, port int) error {
	client, err := s.ClientAddress()
	if err != nil {
		return err
	}
	recorded, err := s.stop(ctx, link)
	if err != nil {
		return err
	}
	proven := false
	for _, conversation := range recorded.conversations {
		if int(conversation.Client.Port()) == port || int(conversation.Server.Port()) == port {
			return world.Failure(fmt.Sprintf("no packet with the TCP port %d", port), fmt.Sprintf("%s → %s", conversation.Client, conversation.Server),
				attachedCapture)
		}
		_, err := conversation.Handshake()
		proven = proven || (err == nil && conversation.Client.Addr() == client)
	}
	if !proven {
		return world.Failure(fmt.Sprintf("a connection of the client on another port than %d, as proof that the capture works", port),
			recorded.summary(), attachedCapture)
	}
	return nil
}

func (s steps) clientHelloNames(ctx context.Context, link string, port int, name string) error {
	conversation, err := s.clientConnection(ctx, link, port)
	if err != nil {
		return err
	}
	hello, err := capture.ParseClientHello(conversation.Stream(conversation.Client))
	if err != nil {
		return world.Failure("a TLS ClientHello that names "+name, err.Error(), attachedCapture)
	}
	if hello.ServerName != name {
		return world.Failure("a TLS ClientHello that names "+name, fmt.Sprintf("it names %q", hello.ServerName), attachedCapture)
	}
	return nil
}

func (s steps) serverHello(ctx context.Context, link string, port int) error {
	conversation, err := s.clientConnection(ctx, link, port)
	if err != nil {
		return err
	}
	if _, err := capture.ParseServerHello(conversation.Stream(conversation.Server)); err != nil {
		return world.Failure("a TLS ServerHello", err.Error(), attachedCapture)
	}
	return nil
}

func (s steps) connectsToEach(ctx context.Context, link, from, owner string, port int) error {
	recorded, err := s.stop(ctx, link)
	if err != nil {
		return err
	}
	pods, err := s.podsOf(ctx, owner)
	if err != nil {
		return err
	}
	for _, pod := range pods {
		if between(recorded.conversations, from, fmt.Sprintf("%s:%d", pod.Status.PodIP, port)) == nil {
			return world.Failure(fmt.Sprintf("an HTTP request from %s to %s:%d (Pod %s)", from, pod.Status.PodIP, port, pod.Name), recorded.summary(),
				attachedCapture)
		}
	}
	return nil
}

func (s steps) podsOf(ctx context.Context, owner string) ([]corev1.Pod, error) {
	namespace, name := world.From(ctx).QualifyPods(owner)
	return s.Pods.PodsOf(ctx, namespace, name)
}

// between finds a connection on which both sides have sent data. A connection that was open before the capture counts
// too; of such a one, the side that sent first is not known to be the client.
func between(conversations []*capture.Conversation, from, to string) *capture.Conversation {
	for _, conversation := range conversations {
		source, destination := conversation.Client, conversation.Server
		if destination.Addr().String() == from {
			source, destination = destination, source
		}
		data := len(conversation.Stream(source)) > 0 && len(conversation.Stream(destination)) > 0
		if source.Addr().String() == from && destination.String() == to && data {
			return conversation
		}
	}
	return nil
}

// connectsThroughTunnel considers only Pods on other nodes than the one whose link was captured.
func (s steps) connectsThroughTunnel(ctx context.Context, from, owner string, port, tunnelPort int) error {
	recorded, err := s.stop(ctx, nodeLink)
	if err != nil {
		return err
	}
	pods, err := s.podsOf(ctx, owner)
	if err != nil {
		return err
	}
	remote := 0
	for _, pod := range pods {
		if pod.Spec.NodeName == recorded.target.Node {
			continue
		}
		remote++
		node, err := s.Nodes.ByName(pod.Spec.NodeName)
		if err != nil {
			return err
		}
		connection := fmt.Sprintf("%s → %s:%d", from, pod.Status.PodIP, port)
		expected := fmt.Sprintf("%s inside VXLAN to %s:%d", connection, node.InternalIP, tunnelPort)
		conversation := between(recorded.conversations, from, fmt.Sprintf("%s:%d", pod.Status.PodIP, port))
		switch {
		case conversation == nil:
			return world.Failure(expected, recorded.summary(), attachedCapture)
		case conversation.Tunnel == nil:
			return world.Failure(expected, connection+" outside of any tunnel", attachedCapture)
		}
		for _, packet := range conversation.Packets {
			end := packet.Tunnel.Destination
			if packet.Source.Addr().String() == from && (end.Addr() != node.InternalIP || int(end.Port()) != tunnelPort) {
				return world.Failure(expected, "inside VXLAN to "+end.String(), attachedCapture)
			}
		}
	}
	if remote == 0 {
		return world.Failure("a Pod of "+owner+" on another node than "+recorded.target.Node, "none", "the topologySpreadConstraints of the Pods")
	}
	return nil
}

// shownConnections is the most connections in a summary.
const shownConnections = 20

// summary lists the connections of a capture in one line.
func (r *recording) summary() string {
	if len(r.conversations) == 0 {
		return fmt.Sprintf("no TCP connection among %d packets", len(r.packets))
	}
	var text strings.Builder
	for i, conversation := range r.conversations {
		if i == shownConnections {
			fmt.Fprintf(&text, "; … (%d in total)", len(r.conversations))
			break
		}
		if i > 0 {
			text.WriteString("; ")
		}
		fmt.Fprintf(&text, "%s → %s", conversation.Client, conversation.Server)
		if conversation.Tunnel != nil {
			fmt.Fprintf(&text, " in VXLAN %s → %s", conversation.Tunnel.Source, conversation.Tunnel.Destination)
		}
	}
	return text.String()
}
