package downstream

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// disconnectProbe is what is known about whether the client of the running request is still there.
type disconnectProbe struct {
	replied bool // the reply has begun, so that no interim reply may be sent
	sent    bool // an interim reply was sent to find out
	gone    bool
}

// Gone implements Client: see the package documentation.
func (c *http1Conn) Gone() bool {
	p := &c.probe
	if p.gone || c.ctx.Err() != nil {
		return true
	}
	state := pollState(c.conn)
	switch {
	case state&(unix.POLLHUP|unix.POLLERR) != 0:
		p.gone = true
	case state&unix.POLLRDHUP != 0 && state&unix.POLLOUT != 0 && !p.replied && !p.sent && c.request.Minor >= 1:
		p.sent = true
		p.gone = c.writer.write([]byte("HTTP/1.1 100 Continue\r\n\r\n")) != nil
	}
	return p.gone
}

// pollState is what poll(2) reports about a connection, without waiting; 0 if it can't be polled.
func pollState(conn net.Conn) int16 {
	if encrypted, is := conn.(interface{ NetConn() net.Conn }); is {
		conn = encrypted.NetConn()
	}
	system, is := conn.(syscall.Conn)
	if !is {
		return 0
	}
	raw, err := system.SyscallConn()
	if err != nil {
		return 0
	}
	polled := []unix.PollFd{{Events: unix.POLLOUT | unix.POLLRDHUP}}
	err = raw.Control(func(fd uintptr) {
		polled[0].Fd = int32(fd)
		_, _ = unix.Poll(polled, 0) // if a signal interrupts it, the next poll will tell
	})
	if err != nil {
		return 0
	}
	return polled[0].Revents
}
