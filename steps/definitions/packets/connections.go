package packets

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ingress-testbed/testbed/clusters/capture"
	"github.com/ingress-testbed/testbed/steps/world"
)

// attachedCapture refers to the evidence of a failure.
const attachedCapture = "the capture, attached to this step or to an earlier one"

// clientConnection returns the client's first connection to the port. It must have been captured from its handshake on.
func (s steps) clientConnection(ctx context.Context, link string, port int) (*capture.Conversation, error) {
	client, err := s.ClientAddress()
	if err != nil {
		return nil, err
	}
	captured, err := s.stop(ctx, link)
	if err != nil {
		return nil, err
	}
	expected := fmt.Sprintf("a TCP connection from the client %s to port %d", client, port)
	for _, conversation := range captured.conversations {
		if conversation.Client.Addr() != client || int(conversation.Server.Port()) != port {
			continue
		}
		if _, err := conversation.Handshake(); err != nil {
			return nil, world.Failure(expected+", opened with SYN, SYN-ACK and ACK", err.Error(), attachedCapture)
		}
		return conversation, nil
	}
	return nil, world.Failure(expected, captured.summary(), attachedCapture)
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
	captured, err := s.stop(ctx, link)
	if err != nil {
		return err
	}
	proven := false
	for _, conversation := range captured.conversations {
		if int(conversation.Client.Port()) == port || int(conversation.Server.Port()) == port {
			return world.Failure(fmt.Sprintf("no packet with the TCP port %d", port), fmt.Sprintf("%s → %s", conversation.Client, conversation.Server),
				attachedCapture)
		}
		_, err := conversation.Handshake()
		proven = proven || (err == nil && conversation.Client.Addr() == client)
	}
	if !proven {
		return world.Failure(fmt.Sprintf("a connection of the client on another port than %d, as proof that the capture works", port),
			captured.summary(), attachedCapture)
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
	captured, err := s.stop(ctx, link)
	if err != nil {
		return err
	}
	pods, err := s.podsOf(ctx, owner)
	if err != nil {
		return err
	}
	for _, pod := range pods {
		if between(captured.conversations, from, fmt.Sprintf("%s:%d", pod.Status.PodIP, port)) == nil {
			return world.Failure(fmt.Sprintf("an HTTP request from %s to %s:%d (Pod %s)", from, pod.Status.PodIP, port, pod.Name), captured.summary(),
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
	captured, err := s.stop(ctx, nodeLink)
	if err != nil {
		return err
	}
	pods, err := s.podsOf(ctx, owner)
	if err != nil {
		return err
	}
	remote := 0
	for _, pod := range pods {
		if pod.Spec.NodeName == captured.target.Node {
			continue
		}
		remote++
		node, err := s.Nodes.ByName(pod.Spec.NodeName)
		if err != nil {
			return err
		}
		connection := fmt.Sprintf("%s → %s:%d", from, pod.Status.PodIP, port)
		expected := fmt.Sprintf("%s inside VXLAN to %s:%d", connection, node.InternalIP, tunnelPort)
		conversation := between(captured.conversations, from, fmt.Sprintf("%s:%d", pod.Status.PodIP, port))
		switch {
		case conversation == nil:
			return world.Failure(expected, captured.summary(), attachedCapture)
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
		return world.Failure("a Pod of "+owner+" on another node than "+captured.target.Node, "none", "the topologySpreadConstraints of the Pods")
	}
	return nil
}

// shownConnections is the most connections in a summary.
const shownConnections = 20

// summary lists the connections of a capture in one line.
func (r *linkCapture) summary() string {
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
