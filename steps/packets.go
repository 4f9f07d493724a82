package steps

import (
	"context"
	"fmt"
	"strings"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/clusters/capture"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
)

// packets are the steps about what travels on a link. The captures run until a step asks about one.
type packets struct {
	*scenario
	captures map[string]*recording
}

func (p *packets) Definitions() []vocabulary.Definition {
	return []vocabulary.Definition{
		{
			Pattern: `packets are captured on the link of the controller's Pod`,
			Example: `packets are captured on the link of the controller's Pod`,
			Handler: func(ctx context.Context) error {
				pod, err := p.Controller.Pod(ctx)
				if err != nil {
					return err
				}
				return p.start(ctx, podLink, clusters.CaptureTarget{Namespace: pod.Namespace, Pod: pod.Name})
			},
		},
		{
			Pattern: `packets are captured on the link of the node "([^"]*)"`,
			Example: `packets are captured on the link of the node "${controller node}"`,
			Handler: func(ctx context.Context, node string) error {
				return p.start(ctx, nodeLink, clusters.CaptureTarget{Node: node})
			},
		},
		{
			Pattern: `on the (Pod|node)'s link, the client opened a connection to port (\d+) of "([^"]*)"`,
			Example: `on the Pod's link, the client opened a connection to port 443 of "${controller address}"`,
			Handler: p.clientOpened,
		},
		{
			Pattern: `on the (Pod|node)'s link, no packet has the TCP port (\d+)`,
			Example: `on the Pod's link, no packet has the TCP port 30443`,
			Handler: p.portIsSilent,
		},
		{
			Pattern: `on the (Pod|node)'s link, the client's TLS ClientHello on port (\d+) names "([^"]*)"`,
			Example: `on the Pod's link, the client's TLS ClientHello on port 443 names "gyull.com"`,
			Handler: p.clientHelloNames,
		},
		{
			Pattern: `on the (Pod|node)'s link, it is answered with a TLS ServerHello from port (\d+)`,
			Example: `on the Pod's link, it is answered with a TLS ServerHello from port 443`,
			Handler: p.serverHello,
		},
		{
			Pattern: `on the (Pod|node)'s link, "([^"]*)" talks to each Pod of "([^"]*)" on port (\d+)`,
			Example: `on the Pod's link, "${controller address}" talks to each Pod of "deploy3-adminsrv" on port 8080`,
			Handler: p.talksToEach,
		},
		{
			Pattern: `on the node's link, "([^"]*)" talks to each Pod of "([^"]*)" on port (\d+), only in VXLAN to UDP port (\d+) of the Pod's node`,
			Example: `on the node's link, "${controller address}" talks to each Pod of "deploy3-adminsrv" on port 8080, only in VXLAN to UDP port 8472 of the Pod's node`,
			Handler: p.talksInTunnel,
		},
	}
}

// Names of the captures of a scenario, which has one of each at most, as steps write them.
const (
	podLink  = "Pod"
	nodeLink = "node"
)

const lookAtCapture = "the capture, attached to this step or to the first that asked about it"

func (p *packets) fromClient(conversations []*capture.Conversation, port int) []*capture.Conversation {
	client := p.Cluster.Client().Addr()
	var found []*capture.Conversation
	for _, conversation := range conversations {
		if conversation.Client.Addr() == client && int(conversation.Server.Port()) == port {
			found = append(found, conversation)
		}
	}
	return found
}

// theClients is the client's connection to the port, if it was seen whole.
func (p *packets) theClients(ctx context.Context, link string, port int) (*capture.Conversation, error) {
	client, err := p.clientAddress()
	if err != nil {
		return nil, err
	}
	recorded, err := p.stop(ctx, link)
	if err != nil {
		return nil, err
	}
	found := p.fromClient(recorded.conversations, port)
	wanted := fmt.Sprintf("a TCP connection from the client %s to port %d", client, port)
	if len(found) == 0 {
		return nil, failure(wanted, recorded.summary(), lookAtCapture)
	}
	if _, err := found[0].Handshake(); err != nil {
		return nil, failure(wanted+", opened with SYN, SYN-ACK and ACK", err.Error(), lookAtCapture)
	}
	return found[0], nil
}

func (p *packets) clientOpened(ctx context.Context, link string, port int, server string) error {
	conversation, err := p.theClients(ctx, link, port)
	if err != nil {
		return err
	}
	if got := conversation.Server.Addr().String(); got != server {
		return failure("the client's connection goes to "+server, got, lookAtCapture)
	}
	return nil
}

// portIsSilent proves nothing on a link where nothing was heard: the client must have been seen on another port.
func (p *packets) portIsSilent(ctx context.Context, link string, port int) error {
	client, err := p.clientAddress()
	if err != nil {
		return err
	}
	recorded, err := p.stop(ctx, link)
	if err != nil {
		return err
	}
	heard := false
	for _, conversation := range recorded.conversations {
		if int(conversation.Client.Port()) == port || int(conversation.Server.Port()) == port {
			return failure(fmt.Sprintf("no packet with the TCP port %d", port), fmt.Sprintf("%s → %s", conversation.Client, conversation.Server),
				lookAtCapture)
		}
		_, err := conversation.Handshake()
		heard = heard || (err == nil && conversation.Client.Addr() == client)
	}
	if !heard {
		return failure(fmt.Sprintf("the client's connection on another port than %d, as proof that the capture could have seen it", port),
			recorded.summary(), lookAtCapture)
	}
	return nil
}

func (p *packets) clientHelloNames(ctx context.Context, link string, port int, name string) error {
	conversation, err := p.theClients(ctx, link, port)
	if err != nil {
		return err
	}
	hello, err := capture.ParseClientHello(conversation.Stream(conversation.Client))
	if err != nil {
		return failure("a TLS ClientHello that names "+name, err.Error(), lookAtCapture)
	}
	if hello.ServerName != name {
		return failure("a TLS ClientHello that names "+name, fmt.Sprintf("it names %q", hello.ServerName), lookAtCapture)
	}
	return nil
}

func (p *packets) serverHello(ctx context.Context, link string, port int) error {
	conversation, err := p.theClients(ctx, link, port)
	if err != nil {
		return err
	}
	if _, err := capture.ParseServerHello(conversation.Stream(conversation.Server)); err != nil {
		return failure("a TLS ServerHello", err.Error(), lookAtCapture)
	}
	return nil
}

func (p *packets) talksToEach(ctx context.Context, link, from, owner string, port int) error {
	recorded, err := p.stop(ctx, link)
	if err != nil {
		return err
	}
	pods, err := p.podsOf(ctx, owner)
	if err != nil {
		return err
	}
	for _, pod := range pods {
		if between(recorded.conversations, from, fmt.Sprintf("%s:%d", pod.Status.PodIP, port)) == nil {
			return failure(fmt.Sprintf("an HTTP request from %s to %s:%d (Pod %s)", from, pod.Status.PodIP, port, pod.Name), recorded.summary(),
				lookAtCapture)
		}
	}
	return nil
}

// between finds a conversation in which one side asked something and the other answered. Connections that were open
// before the capture count too, and there either side may have been heard first.
func between(conversations []*capture.Conversation, from, to string) *capture.Conversation {
	for _, conversation := range conversations {
		asking, answering := conversation.Client, conversation.Server
		if answering.Addr().String() == from {
			asking, answering = answering, asking
		}
		spoken := len(conversation.Stream(asking)) > 0 && len(conversation.Stream(answering)) > 0
		if asking.Addr().String() == from && answering.String() == to && spoken {
			return conversation
		}
	}
	return nil
}

// talksInTunnel looks only at Pods on other nodes than the one whose link was captured: the tunnel is for them.
func (p *packets) talksInTunnel(ctx context.Context, from, owner string, port, tunnelPort int) error {
	recorded, err := p.stop(ctx, nodeLink)
	if err != nil {
		return err
	}
	pods, err := p.podsOf(ctx, owner)
	if err != nil {
		return err
	}
	away := 0
	for _, pod := range pods {
		if pod.Spec.NodeName == recorded.target.Node {
			continue
		}
		away++
		node, err := p.node(ctx, pod.Spec.NodeName)
		if err != nil {
			return err
		}
		inside := fmt.Sprintf("%s → %s:%d", from, pod.Status.PodIP, port)
		wanted := fmt.Sprintf("%s inside VXLAN to %s:%d", inside, node.InternalIP, tunnelPort)
		conversation := between(recorded.conversations, from, fmt.Sprintf("%s:%d", pod.Status.PodIP, port))
		switch {
		case conversation == nil:
			return failure(wanted, recorded.summary(), lookAtCapture)
		case conversation.Tunnel == nil:
			return failure(wanted, inside+" outside of any tunnel", lookAtCapture)
		}
		for _, packet := range conversation.Packets {
			end := packet.Tunnel.Destination
			if packet.Source.Addr().String() == from && (end.Addr() != node.InternalIP || int(end.Port()) != tunnelPort) {
				return failure(wanted, "inside VXLAN to "+end.String(), lookAtCapture)
			}
		}
	}
	if away == 0 {
		return failure("a Pod of "+owner+" on another node than "+recorded.target.Node, "none", "the topologySpreadConstraints of the Pods")
	}
	return nil
}

// summary lists the connections of a capture for people.
func (r *recording) summary() string {
	if len(r.conversations) == 0 {
		return fmt.Sprintf("no TCP connection among %d packets", len(r.packets))
	}
	var text strings.Builder
	for i, conversation := range r.conversations {
		if i == 20 {
			fmt.Fprintf(&text, "; … (%d in all)", len(r.conversations))
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
