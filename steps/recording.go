package steps

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
)

const (
	// startTimeout bounds the start of a capture, and its end.
	startTimeout = 20 * time.Second
	// maxCapture bounds a capture in memory; one of a scenario takes a few hundred KiB.
	maxCapture = 256 << 20
	// ladderPackets bounds how many packets are drawn.
	ladderPackets = 60
)

// recording is one capture, running or done.
type recording struct {
	link   string
	target clusters.CaptureTarget
	end    context.CancelFunc
	done   chan struct{}
	// The fields below are set when done is closed.
	stream        bytes.Buffer
	err           error
	read          bool
	packets       []capture.Packet
	conversations []*capture.Conversation
}

// start begins a capture; when it returns, no later packet is missed.
func (p *packets) start(ctx context.Context, link string, target clusters.CaptureTarget) error {
	if p.captures[link] != nil {
		return fmt.Errorf("the scenario captures on the %s's link already", link)
	}
	// The capture outlives the step that starts it, and ends with the scenario at the latest.
	capturing, end := context.WithCancel(ctx)
	stream, err := p.Cluster.Capture(capturing, target)
	if err != nil {
		end()
		return fmt.Errorf("capturing packets on the %s's link: %w", link, err)
	}
	started := &recording{link: link, target: target, end: end, done: make(chan struct{})}
	go func() {
		defer close(started.done)
		_, err := io.Copy(&started.stream, io.LimitReader(stream, maxCapture))
		started.err = errors.Join(err, stream.Close())
	}()
	if p.captures == nil {
		p.captures = map[string]*recording{}
	}
	p.captures[link] = started
	p.onFailure = append(p.onFailure, func(ctx context.Context) {
		if _, err := p.stop(ctx, link); err != nil {
			p.show(evidence.Text{Title: fmt.Sprintf("The capture on the %s's link", link), Body: err.Error()})
		}
	})
	return nil
}

// stop ends a capture, if it still runs, reads it, and attaches it as a file and as a ladder.
func (p *packets) stop(ctx context.Context, link string) (*recording, error) {
	recorded := p.captures[link]
	if recorded == nil {
		return nil, fmt.Errorf("no packets are captured on the %s's link: a step before the requests must start that", link)
	}
	if recorded.read {
		return recorded, nil
	}
	recorded.end()
	select {
	case <-recorded.done:
	case <-time.After(startTimeout):
		return nil, fmt.Errorf("the capture on the %s's link didn't end within %s", link, startTimeout)
	}
	if recorded.err != nil && !errors.Is(recorded.err, context.Canceled) {
		return nil, fmt.Errorf("capturing packets on the %s's link: %w", link, recorded.err)
	}
	packets, err := capture.Read(bytes.NewReader(recorded.stream.Bytes()))
	if err != nil {
		return nil, fmt.Errorf("reading the packets of the %s's link: %w", link, err)
	}
	recorded.packets, recorded.conversations, recorded.read = packets, capture.Conversations(packets), true
	return recorded, p.keep(ctx, recorded)
}

// keep writes the capture to a file that Wireshark opens, and shows it.
func (p *packets) keep(ctx context.Context, recorded *recording) error {
	// Scenarios may have the same name, in different files; their captures have the same name in different folders.
	dir, err := os.MkdirTemp(p.ArtefactDir, "capture-")
	if err != nil {
		return fmt.Errorf("keeping the capture: %w", err)
	}
	name := fmt.Sprintf("%s-%s-link.pcap", fileName(p.name), strings.ToLower(recorded.link))
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, recorded.stream.Bytes(), 0o644); err != nil {
		return fmt.Errorf("keeping the capture: %w", err)
	}
	title := fmt.Sprintf("Packets on the %s's link", recorded.link)
	p.show(
		evidence.File{Title: title, Name: name, MediaType: evidence.PcapMediaType, Path: file},
		p.ladder(title, name, recorded, p.parties(ctx)),
	)
	return nil
}

// fileName makes a file's name of a scenario's.
func fileName(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	joined := strings.Join(words, "-")
	return strings.TrimRight(strings.ToValidUTF8(joined[:min(len(joined), 60)], ""), "-")
}

// parties names the addresses that people know: the client's, the nodes' and the Pods'. Those that can't be found out
// stay addresses.
func (p *packets) parties(ctx context.Context) map[string]string {
	names := map[string]string{p.Cluster.Client().Addr().String(): "client"}
	nodes, err := p.Nodes(ctx)
	if err == nil {
		for _, node := range nodes {
			names[node.InternalIP.String()] = node.Name
		}
	}
	namespaces := []string{p.place.namespace}
	for _, namespace := range namespaces {
		pods, err := p.Objects.Pods(ctx, namespace, "")
		if err != nil {
			continue
		}
		for _, pod := range pods {
			if !pod.Spec.HostNetwork && pod.Status.PodIP != "" {
				names[pod.Status.PodIP] = shortName(pod.Name)
			}
		}
	}
	if pod, err := p.Controller.Pod(ctx); err == nil {
		names[pod.Status.PodIP] = "controller"
	}
	return names
}

// shortName fits over a column: of a Pod of a Deployment it is the random end, which tells it from its sisters.
func shortName(pod string) string {
	const fits = 12
	if len(pod) <= fits {
		return pod
	}
	return "…" + pod[strings.LastIndexByte(pod, '-')+1:]
}

// ladder draws the first TCP packets. Of a node's link these are the client's and those in a tunnel: there is much else,
// such as what the nodes and the API server have to say to each other.
func (p *packets) ladder(title, file string, recorded *recording, names map[string]string) evidence.Ladder {
	ladder := evidence.Ladder{Title: title, File: file}
	party := func(address netip.Addr) string {
		if name := names[address.String()]; name != "" {
			return name + " " + address.String()
		}
		return address.String()
	}
	client := p.Cluster.Client().Addr()
	for _, packet := range recorded.packets {
		concerned := recorded.link == podLink || packet.Tunnel != nil || packet.Source.Addr() == client || packet.Destination.Addr() == client
		if packet.TCP == nil || !concerned || len(ladder.Packets) == ladderPackets {
			continue
		}
		detail := fmt.Sprintf("%d → %d %s, %d bytes", packet.Source.Port(), packet.Destination.Port(), packet.TCP.Flags(), len(packet.Payload))
		if packet.Tunnel != nil {
			detail += fmt.Sprintf(", in VXLAN %s → %s", packet.Tunnel.Source, packet.Tunnel.Destination)
		}
		ladder.Packets = append(ladder.Packets, evidence.Packet{
			Time: packet.Time, From: party(packet.Source.Addr()), To: party(packet.Destination.Addr()), Label: label(packet), Detail: detail,
		})
	}
	return ladder
}

// label says what a packet is, as far as it can be read.
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
