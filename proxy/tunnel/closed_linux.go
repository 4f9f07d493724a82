package tunnel

import (
	"crypto/tls"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// tcpClose is the state of a TCP connection that is gone (include/net/tcp_states.h).
const tcpClose = 7

// isClosed reports whether a TCP connection has no peer any more. A connection whose peer has ended its direction is not closed
// before the other direction has ended, too, unless it was reset.
func isClosed(conn net.Conn) bool {
	if encrypted, is := conn.(*tls.Conn); is {
		conn = encrypted.NetConn()
	}
	system, is := conn.(syscall.Conn)
	if !is {
		return false
	}
	raw, err := system.SyscallConn()
	if err != nil {
		return false
	}
	closed := false
	err = raw.Control(func(fd uintptr) {
		info, failed := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		closed = failed == nil && info.State == tcpClose
	})
	return err == nil && closed
}
