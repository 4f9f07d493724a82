package embedded

import (
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// fromOwner reports whether the other end is a process of this user or of root (unix(7), SO_PEERCRED).
func fromOwner(conn *net.UnixConn) bool {
	raw, err := conn.SyscallConn()
	if err != nil {
		return false
	}
	var peer *unix.Ucred
	if raw.Control(func(fd uintptr) { peer, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }) != nil || err != nil {
		return false
	}
	return int(peer.Uid) == os.Getuid() || peer.Uid == 0
}
