//go:build linux

package network

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
	"sigs.k8s.io/knftables"
)

// delayedMark is the mark of frames that have passed a delay line.
const delayedMark = 0x7464

// insertedLine is a delay line for the frames that leave an interface: nftables forwards those without delayedMark to a TAP
// device. The line reads them from there and, after the delay, sends them through the interface with the mark.
type insertedLine struct {
	ns    *Namespace
	table string
	tap   *os.File
	out   *os.File
	ended chan struct{}
}

// insertDelayLine delays the frames that leave an interface of the namespace.
func insertDelayLine(ctx context.Context, ns *Namespace, name string, impairment Impairment) (_ *insertedLine, err error) {
	line := &insertedLine{ns: ns, table: "testbed-delay-" + name, ended: make(chan struct{})}
	defer func() {
		if err != nil {
			line.close()
		}
	}()
	if err := ns.Do(func() error { return line.open(ctx, name) }); err != nil {
		return nil, fmt.Errorf("delaying the packets of interface %s: %w", name, err)
	}
	copied := delayLine{from: line.tap, to: line.out, delay: impairment.Delay, jitter: impairment.Jitter}
	go func() {
		defer close(line.ended)
		copied.run()
	}()
	return line, nil
}

// open opens both ends and diverts the frames. The caller is in the namespace.
func (l *insertedLine) open(ctx context.Context, name string) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Errorf("finding interface %s: %w", name, err)
	}
	index := link.Attrs().Index
	tap := "delay" + strconv.Itoa(index)
	if l.tap, err = openTAP(tap); err != nil {
		return err
	}
	if l.out, err = openRaw(index); err != nil {
		return err
	}
	nft, err := knftables.New(knftables.NetDevFamily, l.table)
	if err != nil {
		return fmt.Errorf("connecting to nftables: %w", err)
	}
	tx := nft.NewTransaction()
	tx.Add(&knftables.Table{})
	tx.Add(&knftables.Chain{
		Name: "out", Type: knftables.PtrTo(knftables.FilterType), Hook: knftables.PtrTo(knftables.BaseChainHook("egress")),
		Device: knftables.PtrTo(name), Priority: knftables.PtrTo(knftables.BaseChainPriority("0")),
	})
	tx.Add(&knftables.Rule{Chain: "out", Rule: fmt.Sprintf("meta mark != %d fwd to %q", delayedMark, tap)})
	if err := nft.Run(ctx, tx); err != nil {
		return fmt.Errorf("diverting packets: %w", err)
	}
	return nil
}

// openTAP makes a TAP device that lasts until the file is closed. A read returns one Ethernet frame (the kernel's
// Documentation/networking/tuntap.rst).
func openTAP(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("opening /dev/net/tun: %w", err)
	}
	if err := configureTAP(fd, name); err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	// Non-blocking, so that Close ends a Read. Only a file with a device can be polled.
	return os.NewFile(uintptr(fd), "/dev/net/tun"), nil
}

func configureTAP(fd int, name string) error {
	request, err := unix.NewIfreq(name)
	if err != nil {
		return fmt.Errorf("naming a TAP device %s: %w", name, err)
	}
	request.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		return fmt.Errorf("making TAP device %s: %w", name, err)
	}
	// Without an address it sends nothing of its own.
	err = os.WriteFile("/proc/sys/net/ipv6/conf/"+name+"/disable_ipv6", []byte("1"), 0)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("disabling IPv6 on %s: %w", name, err)
	}
	link, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Errorf("finding interface %s: %w", name, err)
	}
	// the most that the kernel allows: a frame without its header of 14 bytes
	if err := netlink.LinkSetMTU(link, longestFrame-15); err != nil {
		return fmt.Errorf("setting the MTU of %s: %w", name, err)
	}
	return setUp(name)
}

// openRaw opens a socket that sends Ethernet frames through an interface, with delayedMark, and receives none (packet(7)).
func openRaw(index int) (*os.File, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("opening a packet socket: %w", err)
	}
	file := os.NewFile(uintptr(fd), "packet socket")
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_MARK, delayedMark); err != nil {
		return nil, errors.Join(fmt.Errorf("marking what a packet socket sends: %w", err), file.Close())
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: index}); err != nil {
		return nil, errors.Join(fmt.Errorf("binding a packet socket: %w", err), file.Close())
	}
	return file, nil
}

// removeTimeout bounds the removal of the rules, which the end of a run must not cancel.
const removeTimeout = 10 * time.Second

// remove lets packets pass without delay again.
func (l *insertedLine) remove(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeTimeout)
	defer cancel()
	err := l.ns.Do(func() error {
		nft, err := knftables.New(knftables.NetDevFamily, l.table)
		if err != nil {
			return fmt.Errorf("connecting to nftables: %w", err)
		}
		tx := nft.NewTransaction()
		tx.Delete(&knftables.Table{})
		if err := nft.Run(ctx, tx); err != nil {
			return fmt.Errorf("no longer diverting packets: %w", err)
		}
		return nil
	})
	l.tap.Close() // ends the reading
	<-l.ended
	l.out.Close()
	return err
}

func (l *insertedLine) close() {
	for _, file := range []*os.File{l.tap, l.out} {
		if file != nil {
			file.Close()
		}
	}
}
