//go:build !linux

package downstream

import (
	"errors"

	"golang.org/x/sys/unix"
)

// pollSocket uses poll(2) and, as POLLRDHUP is Linux's own, a look at the next unread byte: there is an end of file
// once the peer has ended its direction and everything that it sent was read. A client that has pipelined another
// request, or that has ended TLS with an alert, is therefore noticed only when its connection breaks.
func pollSocket(fd int) socketState {
	polled := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	_, _ = unix.Poll(polled, 0) // if a signal interrupts it, the next poll will tell
	events := polled[0].Revents
	var next [1]byte
	n, _, err := unix.Recvfrom(fd, next[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
	return socketState{
		broken:    events&unix.POLLERR != 0 || errors.Is(err, unix.ECONNRESET),
		inputDone: n == 0 && err == nil,
		writable:  events&unix.POLLOUT != 0,
	}
}
