//go:build linux

package announcer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"

	"github.com/ingress-testbed/testbed/internal/sleep"
)

const (
	// An address is announced several times at first, as a frame may get lost. Linux ignores a change of an entry of its
	// neighbour table that is less than a second old (arp(7), locktime).
	announcements     = 5
	announcementEvery = 1100 * time.Millisecond
	// errorDelay keeps a broken interface from keeping a core busy.
	errorDelay = 100 * time.Millisecond
)

// arpConnection sends and receives ARP packets on one link; an *arp.Client is one.
type arpConnection interface {
	Read() (*arp.Packet, *ethernet.Frame, error)
	Reply(request *arp.Packet, hardware net.HardwareAddr, address netip.Addr) error
	WriteTo(packet *arp.Packet, to net.HardwareAddr) error
}

// responder answers ARP requests for the addresses that a node announces (RFC 826). The node's own kernel doesn't, as no
// interface has these addresses.
type responder struct {
	connection arpConnection
	hardware   net.HardwareAddr
	log        *slog.Logger

	mu        sync.Mutex
	announced map[netip.Addr]bool
}

func newResponder(connection arpConnection, hardware net.HardwareAddr, log *slog.Logger) *responder {
	return &responder{connection: connection, hardware: hardware, log: log, announced: map[netip.Addr]bool{}}
}

// openResponder returns a responder on an interface, and the connection to close.
func openResponder(name string, log *slog.Logger) (*responder, *arp.Client, error) {
	link, err := net.InterfaceByName(name)
	if err != nil {
		return nil, nil, fmt.Errorf("finding interface %s: %w", name, err)
	}
	client, err := arp.Dial(link)
	if err != nil {
		return nil, nil, fmt.Errorf("opening a socket for ARP on %s: %w", name, err)
	}
	return newResponder(client, link.HardwareAddr, log), client, nil
}

// serve answers requests until the connection is closed.
func (r *responder) serve(ctx context.Context) {
	for ctx.Err() == nil {
		packet, _, err := r.connection.Read()
		switch {
		case errors.Is(err, net.ErrClosed), errors.Is(err, os.ErrClosed):
			return
		case err != nil: // a packet that is not valid, or the interface is down
			_ = sleep.For(ctx, errorDelay) // the loop ends with ctx
			continue
		case packet.Operation != arp.OperationRequest || !r.announces(packet.TargetIP):
			continue
		}
		if err := r.connection.Reply(packet, r.hardware, packet.TargetIP); err != nil && ctx.Err() == nil {
			r.log.Warn("answering an ARP request", "address", packet.TargetIP, "error", err)
		}
	}
}

func (r *responder) announces(address netip.Addr) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.announced[address]
}

// announce answers requests for an address until ctx ends, after gratuitous announcements, by which the router replaces
// the hardware address of the node that announced it before.
func (r *responder) announce(ctx context.Context, address netip.Addr) {
	r.set(address, true)
	defer r.set(address, false)
	for range announcements {
		if err := r.announceOnce(address); err != nil && ctx.Err() == nil {
			r.log.Warn("announcing an address", "address", address, "error", err)
		}
		_ = sleep.For(ctx, announcementEvery) // the loop ends with ctx
	}
	<-ctx.Done()
}

func (r *responder) set(address netip.Addr, announced bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if announced {
		r.announced[address] = true
	} else {
		delete(r.announced, address)
	}
}

// announceOnce broadcasts a gratuitous request (RFC 5227 section 2.3), which every neighbour takes notice of.
func (r *responder) announceOnce(address netip.Addr) error {
	packet, err := arp.NewPacket(arp.OperationRequest, r.hardware, address, ethernet.Broadcast, address)
	if err != nil {
		return err
	}
	return r.connection.WriteTo(packet, ethernet.Broadcast)
}
