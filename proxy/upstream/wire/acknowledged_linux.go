package wire

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// acknowledged returns how many bytes the peer of a TCP connection has acknowledged (tcp(7), TCP_INFO).
func acknowledged(conn syscall.RawConn) (bytes uint64, known bool) {
	var info *unix.TCPInfo
	var err error
	failed := conn.Control(func(fd uintptr) { info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) })
	if failed != nil || err != nil {
		return 0, false
	}
	return info.Bytes_acked, true
}
