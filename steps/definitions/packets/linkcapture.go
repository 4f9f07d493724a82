package packets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/clusters/capture"
	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/steps/world"
)

const (
	// stopTimeout bounds the wait until a capture has ended.
	stopTimeout = 20 * time.Second
	// maxCapture is the most bytes of a capture, which is kept in memory; that of a scenario has a few hundred KiB.
	maxCapture = 256 << 20
	// ladderPackets is the most packets that are drawn.
	ladderPackets = 60
)

// linkCapture is a capture that is running or has ended.
type linkCapture struct {
	link   string
	target clusters.CaptureTarget
	cancel context.CancelFunc
	done   chan struct{}
	// The stream and its error are complete when done is closed.
	stream bytes.Buffer
	err    error
	// The packets are set by stop.
	parsed        bool
	packets       []capture.Packet
	conversations []*capture.Conversation
}

// captureKey is the context key of the capture on a link.
type captureKey string

func captureOn(ctx context.Context, link string) *linkCapture {
	captured, _ := ctx.Value(captureKey(link)).(*linkCapture)
	return captured
}

// start starts a capture and stores it in the context. Packets that are sent after it has returned are captured.
func (s steps) start(ctx context.Context, link string, target clusters.CaptureTarget) (context.Context, error) {
	if captureOn(ctx, link) != nil {
		return ctx, fmt.Errorf("the scenario is already capturing on the %s's link", link)
	}
	// The capture outlives the step that starts it, and ends with the scenario at the latest.
	capturing, cancel := context.WithCancel(ctx)
	stream, err := s.Cluster.Capture(capturing, target)
	if err != nil {
		cancel()
		return ctx, fmt.Errorf("capturing packets on the %s's link: %w", link, err)
	}
	started := &linkCapture{link: link, target: target, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(started.done)
		_, err := io.Copy(&started.stream, io.LimitReader(stream, maxCapture))
		started.err = errors.Join(err, stream.Close())
	}()
	world.From(ctx).OnFailure(func(ctx context.Context) {
		if _, err := s.stop(ctx, link); err != nil {
			world.From(ctx).Attach(evidence.Text{Title: fmt.Sprintf("The capture on the %s's link", link), Body: err.Error()})
		}
	})
	return context.WithValue(ctx, captureKey(link), started), nil
}

// stop stops a capture if it is still running, parses it, and attaches it as a file and as a ladder diagram.
func (s steps) stop(ctx context.Context, link string) (*linkCapture, error) {
	captured := captureOn(ctx, link)
	if captured == nil {
		return nil, fmt.Errorf("no packets are captured on the %s's link: a step before the requests must start the capture", link)
	}
	if captured.parsed {
		return captured, nil
	}
	captured.cancel()
	select {
	case <-captured.done:
	case <-time.After(stopTimeout):
		return nil, fmt.Errorf("the capture on the %s's link did not end within %s", link, stopTimeout)
	}
	if captured.err != nil && !errors.Is(captured.err, context.Canceled) {
		return nil, fmt.Errorf("capturing packets on the %s's link: %w", link, captured.err)
	}
	packets, err := capture.Read(bytes.NewReader(captured.stream.Bytes()))
	if err != nil {
		return nil, fmt.Errorf("parsing the packets on the %s's link: %w", link, err)
	}
	captured.packets, captured.conversations, captured.parsed = packets, capture.Conversations(packets), true
	return captured, s.attach(ctx, captured)
}

// attach writes the capture to a pcap file, and attaches it to the step.
func (s steps) attach(ctx context.Context, captured *linkCapture) error {
	scenario := world.From(ctx)
	// Scenarios of different files may have the same name, so each capture gets a folder of its own.
	dir, err := os.MkdirTemp(s.Dir, "capture-")
	if err != nil {
		return fmt.Errorf("writing the capture: %w", err)
	}
	name := fmt.Sprintf("%s-%s-link.pcap", fileName(scenario.Name), strings.ToLower(captured.link))
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, captured.stream.Bytes(), 0o644); err != nil {
		return fmt.Errorf("writing the capture: %w", err)
	}
	title := fmt.Sprintf("Packets on the %s's link", captured.link)
	scenario.Attach(
		evidence.File{Title: title, Name: name, MediaType: evidence.PcapMediaType, Path: file},
		s.ladder(title, name, captured, s.hostNames(ctx)),
	)
	return nil
}

// fileName turns a scenario's name into a file name.
func fileName(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	joined := strings.Join(words, "-")
	return strings.TrimRight(strings.ToValidUTF8(joined[:min(len(joined), 60)], ""), "-")
}

// hostNames returns names for the addresses of the client, the nodes and the Pods. The diagram shows the address where a
// name can't be found.
func (s steps) hostNames(ctx context.Context) map[string]string {
	names := map[string]string{s.Client.String(): "client"}
	for _, node := range s.Nodes {
		names[node.InternalIP.String()] = node.Name
	}
	if pods, err := s.Pods.Pods(ctx, world.From(ctx).Namespace.Name, ""); err == nil {
		for _, pod := range pods {
			if !pod.Spec.HostNetwork && pod.Status.PodIP != "" {
				names[pod.Status.PodIP] = shortName(pod.Name)
			}
		}
	}
	if pod, err := s.Controller.Pod(ctx); err == nil {
		names[pod.Status.PodIP] = "controller"
	}
	return names
}

// shortName abbreviates a Pod's name to the width of a column: to its random suffix, if it is that of a Deployment.
func shortName(pod string) string {
	const width = 12
	if len(pod) <= width {
		return pod
	}
	return "…" + pod[strings.LastIndexByte(pod, '-')+1:]
}

// ladder draws the first TCP packets. On a node's link these are the packets of the client and those in a tunnel; others,
// such as those between the node and the API server, are left out.
func (s steps) ladder(title, file string, captured *linkCapture, names map[string]string) evidence.Ladder {
	ladder := evidence.Ladder{Title: title, File: file}
	host := func(address netip.Addr) string {
		if name := names[address.String()]; name != "" {
			return name + " " + address.String()
		}
		return address.String()
	}
	for _, packet := range captured.packets {
		relevant := captured.link == podLink || packet.Tunnel != nil || packet.Source.Addr() == s.Client || packet.Destination.Addr() == s.Client
		if packet.TCP == nil || !relevant || len(ladder.Packets) == ladderPackets {
			continue
		}
		detail := fmt.Sprintf("%d → %d %s, %d bytes", packet.Source.Port(), packet.Destination.Port(), packet.TCP.Flags(), len(packet.Payload))
		if packet.Tunnel != nil {
			detail += fmt.Sprintf(", in VXLAN %s → %s", packet.Tunnel.Source, packet.Tunnel.Destination)
		}
		ladder.Packets = append(ladder.Packets, evidence.Packet{
			Time: packet.Time, From: host(packet.Source.Addr()), To: host(packet.Destination.Addr()), Label: label(packet), Detail: detail,
		})
	}
	return ladder
}

// label describes a packet by its payload or else by its flags.
func label(packet capture.Packet) string {
	if hello, err := capture.ParseClientHello(packet.Payload); err == nil {
		return fmt.Sprintf("ClientHello for %q", hello.ServerName)
	}
	if _, err := capture.ParseServerHello(packet.Payload); err == nil {
		return "ServerHello"
	}
	firstLine, _, _ := strings.Cut(string(packet.Payload), "\r\n")
	if words := strings.Fields(firstLine); len(words) >= 3 && (strings.HasPrefix(words[2], "HTTP/") || strings.HasPrefix(words[0], "HTTP/1")) {
		return firstLine
	}
	switch segment := packet.TCP; {
	case segment.SYN && segment.ACK:
		return "SYN-ACK"
	case segment.SYN:
		return "SYN"
	case segment.FIN:
		return "FIN"
	case segment.RST:
		return "RST"
	case len(packet.Payload) > 0:
		return "data"
	}
	return "ACK"
}
