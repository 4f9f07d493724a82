package capture

import (
	"fmt"
	"net/netip"
	"slices"
)

// Conversation is one TCP connection as far as it was captured. One that is captured both inside a tunnel and outside
// of it makes two conversations.
type Conversation struct {
	// Client sent the SYN; where that was not captured, it is the side that was seen sending first.
	Client, Server netip.AddrPort
	// Tunnel of the client's packets; nil if they were not encapsulated.
	Tunnel *Tunnel
	// Packets of both directions in the order of their capture.
	Packets []Packet
}

// Conversations groups the TCP packets by connection, in the order in which they began. A SYN with a new sequence
// number on used addresses begins a new connection.
func Conversations(packets []Packet) []*Conversation {
	type key struct {
		one, other netip.AddrPort
		tunnelled  bool
	}
	var all []*Conversation
	open := map[key]*Conversation{}
	for _, packet := range packets {
		if packet.TCP == nil {
			continue
		}
		forward := key{packet.Source, packet.Destination, packet.Tunnel != nil}
		backward := key{packet.Destination, packet.Source, packet.Tunnel != nil}
		conversation := open[forward]
		if conversation == nil {
			conversation = open[backward]
		}
		if conversation == nil || opensAnother(conversation, packet) {
			conversation = &Conversation{Client: packet.Source, Server: packet.Destination, Tunnel: packet.Tunnel}
			if packet.TCP.SYN && packet.TCP.ACK { // the SYN was before the capture began
				conversation.Client, conversation.Server = conversation.Server, conversation.Client
			}
			delete(open, backward)
			open[forward] = conversation
			all = append(all, conversation)
		}
		conversation.Packets = append(conversation.Packets, packet)
	}
	return all
}

func opensAnother(conversation *Conversation, packet Packet) bool {
	if !packet.TCP.SYN || packet.TCP.ACK {
		return false
	}
	first := conversation.Packets[0]
	return first.Source != packet.Source || !first.TCP.SYN || first.TCP.Sequence != packet.TCP.Sequence
}

// Handshake returns the three packets that opened the connection (RFC 9293 section 3.5): SYN, SYN-ACK and ACK, whose
// numbers acknowledge each other. The error names the one that is missing.
func (c *Conversation) Handshake() ([3]Packet, error) {
	var shake [3]Packet
	syn := slices.IndexFunc(c.Packets, func(p Packet) bool { return p.Source == c.Client && p.TCP.SYN && !p.TCP.ACK })
	if syn < 0 {
		return shake, fmt.Errorf("no SYN from %s to %s", c.Client, c.Server)
	}
	shake[0] = c.Packets[syn]
	answer := slices.IndexFunc(c.Packets[syn:], func(p Packet) bool {
		return p.Source == c.Server && p.TCP.SYN && p.TCP.ACK && p.TCP.Acknowledged == shake[0].TCP.Sequence+1
	})
	if answer < 0 {
		return shake, fmt.Errorf("%s did not answer the SYN of %s with SYN-ACK", c.Server, c.Client)
	}
	shake[1] = c.Packets[syn+answer]
	ack := slices.IndexFunc(c.Packets[syn+answer:], func(p Packet) bool {
		return p.Source == c.Client && p.TCP.ACK && !p.TCP.SYN && p.TCP.Acknowledged == shake[1].TCP.Sequence+1
	})
	if ack < 0 {
		return shake, fmt.Errorf("%s did not acknowledge the SYN-ACK of %s", c.Client, c.Server)
	}
	shake[2] = c.Packets[syn+answer+ack]
	return shake, nil
}

// maxStream bounds the reassembly of one direction: only the beginning of a connection is read.
const maxStream = 1 << 20

// Stream is the beginning of what one side of the connection sent, reassembled from its segments, without
// retransmissions, up to the first gap.
func (c *Conversation) Stream(sender netip.AddrPort) []byte {
	type piece struct {
		offset  int
		payload []byte
	}
	var pieces []piece
	var start uint32
	known := false
	for _, packet := range c.Packets {
		if packet.Source != sender {
			continue
		}
		sequence := packet.TCP.Sequence
		if packet.TCP.SYN {
			sequence++ // SYN takes a number
		}
		if !known && !packet.TCP.SYN && len(packet.Payload) == 0 {
			continue // a keep-alive probe has the number before the next (RFC 9293 section 3.8.4)
		}
		if !known {
			start, known = sequence, true
		}
		// The difference of two sequence numbers wraps around as they do.
		if offset := int(int32(sequence - start)); offset >= 0 && offset < maxStream && len(packet.Payload) > 0 {
			pieces = append(pieces, piece{offset, packet.Payload})
		}
	}
	slices.SortStableFunc(pieces, func(a, b piece) int { return a.offset - b.offset })
	var stream []byte
	for _, piece := range pieces {
		if piece.offset > len(stream) {
			break
		}
		if already := len(stream) - piece.offset; already < len(piece.payload) {
			stream = append(stream, piece.payload[already:]...)
		}
	}
	return stream[:min(len(stream), maxStream)]
}
