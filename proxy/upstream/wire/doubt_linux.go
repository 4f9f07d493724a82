package wire

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// How long a peer that is doubted may leave a probe, or what was sent, without an answer: probes after an idle second, one a
// second, and three of them (tcp(7), TCP_KEEPIDLE and following).
const (
	probeSeconds      = 1
	probes            = 3
	unansweredSeconds = 3
)

// doubt has the kernel end a connection whose peer acknowledges neither probes nor what was sent.
func doubt(conn syscall.RawConn) {
	_ = conn.Control(func(fd uintptr) { // a connection that is gone has failed already
		for _, option := range [...]struct{ level, name, value int }{
			{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, probeSeconds},
			{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, probeSeconds},
			{unix.IPPROTO_TCP, unix.TCP_KEEPCNT, probes},
			{unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, unansweredSeconds * 1000},
			{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		} {
			_ = unix.SetsockoptInt(int(fd), option.level, option.name, option.value) // without it, the call's own limit applies
		}
	})
}
