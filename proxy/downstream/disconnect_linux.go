package downstream

import "golang.org/x/sys/unix"

// pollSocket uses poll(2), whose POLLRDHUP says that the peer has ended its direction even while unread bytes wait.
func pollSocket(fd int) socketState {
	polled := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT | unix.POLLRDHUP}}
	_, _ = unix.Poll(polled, 0) // if a signal interrupts it, the next poll will tell
	events := polled[0].Revents
	return socketState{
		broken:    events&(unix.POLLHUP|unix.POLLERR) != 0,
		inputDone: events&unix.POLLRDHUP != 0,
		writable:  events&unix.POLLOUT != 0,
	}
}
