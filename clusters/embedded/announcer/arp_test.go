//go:build linux

package announcer

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
)

// link is the node's connection to a LAN.
type link struct {
	received chan *arp.Packet // closed when the connection is
	broken   chan struct{}    // each element is a packet that is not valid
	sent     chan sentPacket
}

type sentPacket struct {
	sender, target netip.Addr
	to             string
}

func (l *link) Read() (*arp.Packet, *ethernet.Frame, error) {
	select {
	case packet, ok := <-l.received:
		if !ok {
			return nil, nil, net.ErrClosed
		}
		return packet, nil, nil
	case <-l.broken:
		return nil, nil, io.ErrUnexpectedEOF
	}
}

func (l *link) Reply(request *arp.Packet, _ net.HardwareAddr, address netip.Addr) error {
	l.sent <- sentPacket{address, request.SenderIP, request.SenderHardwareAddr.String()}
	return nil
}

func (l *link) WriteTo(packet *arp.Packet, to net.HardwareAddr) error {
	l.sent <- sentPacket{packet.SenderIP, packet.TargetIP, to.String()}
	return nil
}

func newLink() *link {
	return &link{received: make(chan *arp.Packet), broken: make(chan struct{}), sent: make(chan sentPacket, 100)}
}

// all are the packets that have been sent.
func (l *link) all() (sent []sentPacket) {
	for {
		select {
		case packet := <-l.sent:
			sent = append(sent, packet)
		default:
			return sent
		}
	}
}

func TestResponder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hardware, router := net.HardwareAddr{2, 0, 0, 0, 0, 1}, net.HardwareAddr{2, 0, 0, 0, 0, 9}
		address, another, routers := netip.MustParseAddr("203.0.113.1"), netip.MustParseAddr("203.0.113.2"), netip.MustParseAddr("192.168.10.1")
		lan := newLink()
		r := newResponder(lan, hardware, slog.New(slog.DiscardHandler))
		go r.serve(t.Context())
		defer close(lan.received)
		receive := func(operation arp.Operation, target netip.Addr) {
			packet, err := arp.NewPacket(operation, router, routers, hardware, target)
			if err != nil {
				t.Fatal(err)
			}
			lan.received <- packet
			synctest.Wait()
		}

		receive(arp.OperationRequest, address)
		if sent := lan.all(); len(sent) > 0 {
			t.Errorf("before the announcement: %v", sent)
		}

		ctx, end := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); r.announce(ctx, address) }()
		time.Sleep(time.Minute)
		gratuitous := lan.all()
		if len(gratuitous) != announcements {
			t.Errorf("%d announcements, want %d", len(gratuitous), announcements)
		}
		for _, packet := range gratuitous {
			if want := (sentPacket{address, address, ethernet.Broadcast.String()}); packet != want {
				t.Errorf("announcement %v, want %v", packet, want)
			}
		}

		lan.broken <- struct{}{} // must not end the service
		time.Sleep(errorDelay)
		receive(arp.OperationRequest, another)
		receive(arp.OperationReply, address)
		if sent := lan.all(); len(sent) > 0 {
			t.Errorf("for what is not its own, or no request: %v", sent)
		}
		receive(arp.OperationRequest, address)
		if sent := lan.all(); len(sent) != 1 || sent[0] != (sentPacket{address, routers, router.String()}) {
			t.Errorf("the answer is %v", sent)
		}

		end()
		<-ended
		receive(arp.OperationRequest, address)
		if sent := lan.all(); len(sent) > 0 {
			t.Errorf("after the end: %v", sent)
		}
	})
}
