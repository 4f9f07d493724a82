package capture

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
)

// snapLength is tcpdump's default. It is larger than any frame on a veth link, segmentation offload included.
const snapLength = 262144

// vxlanLinux is the port that Linux and flannel use for VXLAN, beside the 4789 that RFC 7348 assigns.
const vxlanLinux = 8472

// Packet is one TCP or UDP packet.
type Packet struct {
	Time time.Time
	// Source and Destination of the packet itself, inside the tunnel if there is one.
	Source, Destination netip.AddrPort
	// Tunnel of the packet; nil if it was not encapsulated.
	Tunnel *Tunnel
	// TCP is nil for a UDP packet.
	TCP     *Segment
	Payload []byte
}

// Tunnel is the outer header of a packet in VXLAN (RFC 7348).
type Tunnel struct {
	Source, Destination netip.AddrPort
	Network             uint32 // the VXLAN network identifier
}

// Segment is the TCP header (RFC 9293 section 3.1).
type Segment struct {
	SYN, ACK, FIN, RST, PSH bool
	Sequence, Acknowledged  uint32
}

// Flags in tcpdump's notation: "[S.]" for SYN and ACK.
func (s Segment) Flags() string {
	var flags strings.Builder
	for _, flag := range []struct {
		set  bool
		mark string
	}{{s.SYN, "S"}, {s.FIN, "F"}, {s.RST, "R"}, {s.PSH, "P"}, {s.ACK, "."}} {
		if flag.set {
			flags.WriteString(flag.mark)
		}
	}
	return "[" + flags.String() + "]"
}

// Read reads a pcap stream to its end. Packets that are neither TCP nor UDP, and those that can't be decoded, are left
// out. If the stream breaks off, the packets before that are returned with the error.
func Read(r io.Reader) ([]Packet, error) {
	stream, err := pcapgo.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("reading the pcap header: %w", err)
	}
	var packets []Packet
	for {
		frame, info, err := stream.ReadPacketData()
		if errors.Is(err, io.EOF) {
			return packets, nil
		}
		if err != nil {
			return packets, fmt.Errorf("reading packet %d of the capture: %w", len(packets)+1, err)
		}
		if packet, ok := decode(frame, stream.LinkType()); ok {
			packet.Time = info.Timestamp
			packets = append(packets, packet)
		}
	}
}

// decode reads the outermost TCP or UDP packet, or that inside VXLAN.
func decode(frame []byte, link layers.LinkType) (Packet, bool) {
	var packet Packet
	var source, destination netip.Addr
	found := false
	decoded := gopacket.NewPacket(frame, link, gopacket.DecodeOptions{NoCopy: true, SkipDecodeRecovery: false})
	for _, layer := range decoded.Layers() {
		switch layer := layer.(type) {
		case *layers.IPv4:
			source, destination = address(layer.SrcIP), address(layer.DstIP)
		case *layers.IPv6:
			source, destination = address(layer.SrcIP), address(layer.DstIP)
		case *layers.UDP:
			packet.Source = netip.AddrPortFrom(source, uint16(layer.SrcPort))
			packet.Destination = netip.AddrPortFrom(destination, uint16(layer.DstPort))
			packet.Payload, packet.TCP, found = layer.Payload, nil, true
			if packet.Tunnel == nil && layer.DstPort == vxlanLinux {
				if inner, ok := decodeVXLAN(layer.Payload); ok {
					inner.Tunnel.Source, inner.Tunnel.Destination = packet.Source, packet.Destination
					return inner, true
				}
			}
		case *layers.VXLAN:
			packet.Tunnel = &Tunnel{Source: packet.Source, Destination: packet.Destination, Network: layer.VNI}
		case *layers.TCP:
			packet.Source = netip.AddrPortFrom(source, uint16(layer.SrcPort))
			packet.Destination = netip.AddrPortFrom(destination, uint16(layer.DstPort))
			packet.Payload, found = layer.Payload, true
			packet.TCP = &Segment{
				SYN: layer.SYN, ACK: layer.ACK, FIN: layer.FIN, RST: layer.RST, PSH: layer.PSH,
				Sequence: layer.Seq, Acknowledged: layer.Ack,
			}
		}
	}
	return packet, found
}

// decodeVXLAN reads the payload of a UDP packet that gopacket, which supports port 4789 only, doesn't decode as VXLAN.
func decodeVXLAN(payload []byte) (Packet, bool) {
	var header layers.VXLAN
	if err := header.DecodeFromBytes(payload, gopacket.NilDecodeFeedback); err != nil || !header.ValidIDFlag {
		return Packet{}, false
	}
	packet, ok := decode(header.Payload, layers.LinkTypeEthernet)
	if !ok || packet.Tunnel != nil {
		return Packet{}, false
	}
	packet.Tunnel = &Tunnel{Network: header.VNI}
	return packet, true
}

func address(ip []byte) netip.Addr {
	address, _ := netip.AddrFromSlice(ip)
	return address.Unmap()
}
