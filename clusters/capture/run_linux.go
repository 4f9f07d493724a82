package capture

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
	"golang.org/x/sys/unix"
)

const (
	// receiveBuffer holds the packets that arrive while the stream's reader is slow.
	receiveBuffer = 16 << 20
)

// ErrDropped is wrapped by Run when the kernel dropped packets that the capture should have seen, so that a gap is not
// mistaken for silence.
var ErrDropped = errors.New("the kernel dropped packets")

// Run captures all packets that enter or leave the interface ifname of the calling thread's network namespace, and
// writes them to w as a pcap stream (nanosecond time stamps, link type Ethernet) until ctx is done, which is no error.
//
// The file header is written once the capture is running: after its 24 bytes no packet is missed. Each
// batch of packets is flushed before Run waits for the next. CAP_NET_RAW is needed.
func Run(ctx context.Context, ifname string, w io.Writer) error {
	socket, err := listen(ifname)
	if err != nil {
		return fmt.Errorf("capturing on interface %q: %w", ifname, err)
	}
	defer socket.Close()
	stop := context.AfterFunc(ctx, func() {
		_ = socket.SetReadDeadline(time.Unix(1, 0)) // a deadline in the past ends the read that is under way
	})
	defer stop()

	if err := copyPackets(socket, w); err != nil {
		return fmt.Errorf("capturing on interface %q: %w", ifname, err)
	}
	return nil
}

// listen opens a packet socket that sees nothing but the interface.
//
// pcapgo.EthernetHandle is not used for two reasons: a read from it can't be interrupted, and between its socket and
// bind calls it queues the packets of every interface, one of which would spoil a proof that a port was silent.
func listen(ifname string) (*os.File, error) {
	link, err := net.InterfaceByName(ifname)
	if err != nil {
		return nil, fmt.Errorf("looking up the interface: %w", err)
	}
	// Protocol 0 receives nothing (packet(7)); bind then sets interface and protocol at once.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		if errors.Is(err, unix.EPERM) {
			return nil, fmt.Errorf("opening a packet socket needs root or the capability CAP_NET_RAW: %w", err)
		}
		return nil, fmt.Errorf("opening a packet socket: %w", err)
	}
	socket := os.NewFile(uintptr(fd), "packet socket")
	if err := configure(fd, link.Index); err != nil {
		return nil, errors.Join(err, socket.Close())
	}
	return socket, nil
}

func configure(fd, interfaceIndex int) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		return fmt.Errorf("enabling time stamps: %w", err)
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) != nil {
		// Without CAP_NET_ADMIN in the first user namespace the buffer is bounded by net.core.rmem_max.
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer); err != nil {
			return fmt.Errorf("sizing the receive buffer: %w", err)
		}
	}
	address := &unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_ALL), Ifindex: interfaceIndex}
	if err := unix.Bind(fd, address); err != nil {
		return fmt.Errorf("binding the packet socket: %w", err)
	}
	return nil
}

func networkOrder(port uint16) uint16 { return port<<8 | port>>8 }

// copyPackets writes what the socket receives to w until the socket's read deadline passes.
func copyPackets(socket *os.File, w io.Writer) error {
	connection, err := socket.SyscallConn()
	if err != nil {
		return fmt.Errorf("using the packet socket: %w", err)
	}
	sink := newSink(w)
	if err := sink.start(); err != nil {
		return err
	}
	for {
		var copyErr error
		err := connection.Read(func(fd uintptr) bool {
			copyErr = sink.drain(int(fd))
			return copyErr != nil // otherwise wait until the socket is readable again
		})
		if copyErr != nil {
			return copyErr
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		if err != nil {
			return fmt.Errorf("waiting for packets: %w", err)
		}
	}
	// Packets that the kernel had queued before the deadline belong to the capture.
	var lastErr error
	if err := connection.Control(func(fd uintptr) {
		lastErr = errors.Join(sink.drain(int(fd)), dropped(int(fd)))
	}); err != nil {
		return fmt.Errorf("using the packet socket: %w", err)
	}
	return lastErr
}

// dropped reports whether the capture has a gap.
func dropped(fd int) error {
	statistics, err := unix.GetsockoptTpacketStats(fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return fmt.Errorf("reading the capture's statistics: %w", err)
	}
	if statistics.Drops > 0 {
		return fmt.Errorf("%w: %d of %d, because the stream was read too slowly", ErrDropped, statistics.Drops, statistics.Packets)
	}
	return nil
}

// sink writes packets as a pcap stream.
type sink struct {
	buffered *bufio.Writer
	pcap     *pcapgo.Writer
	frame    []byte
	control  []byte
}

func newSink(w io.Writer) *sink {
	buffered := bufio.NewWriterSize(w, 1<<16)
	return &sink{
		buffered: buffered,
		pcap:     pcapgo.NewWriterNanos(buffered),
		frame:    make([]byte, snapLength),
		control:  make([]byte, 128),
	}
}

func (s *sink) start() error {
	if err := s.pcap.WriteFileHeader(snapLength, layers.LinkTypeEthernet); err != nil {
		return fmt.Errorf("writing the pcap header: %w", err)
	}
	if err := s.buffered.Flush(); err != nil {
		return fmt.Errorf("writing the pcap header: %w", err)
	}
	return nil
}

// drain writes all packets that the socket has queued, and flushes.
func (s *sink) drain(fd int) error {
	for {
		info, err := s.receive(fd)
		if errors.Is(err, unix.EAGAIN) {
			break
		}
		if err != nil {
			return fmt.Errorf("receiving a packet: %w", err)
		}
		if err := s.pcap.WritePacket(info, s.frame[:info.CaptureLength]); err != nil {
			return fmt.Errorf("writing a packet: %w", err)
		}
	}
	if err := s.buffered.Flush(); err != nil {
		return fmt.Errorf("writing packets: %w", err)
	}
	return nil
}

// receive reads one packet into the frame. The error is EAGAIN where none is waiting.
func (s *sink) receive(fd int) (gopacket.CaptureInfo, error) {
	length, controlLength, _, _, err := unix.Recvmsg(fd, s.frame, s.control, unix.MSG_TRUNC)
	for errors.Is(err, unix.EINTR) {
		length, controlLength, _, _, err = unix.Recvmsg(fd, s.frame, s.control, unix.MSG_TRUNC)
	}
	if err != nil {
		return gopacket.CaptureInfo{}, err
	}
	return gopacket.CaptureInfo{
		Timestamp:     timestamp(s.control[:controlLength]),
		Length:        length,
		CaptureLength: min(length, len(s.frame)),
	}, nil
}

// timestamp is the kernel's time stamp of the packet, or else the current time.
func timestamp(control []byte) time.Time {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return time.Now()
	}
	for _, message := range messages {
		if message.Header.Level != unix.SOL_SOCKET || message.Header.Type != unix.SO_TIMESTAMPNS {
			continue
		}
		var stamp unix.Timespec
		if _, err := binary.Decode(message.Data, binary.NativeEndian, &stamp); err == nil {
			return time.Unix(stamp.Unix())
		}
	}
	return time.Now()
}
