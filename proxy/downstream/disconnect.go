package downstream

import (
	"net"
	"syscall"
)

// disconnectProbe records whether the client of the running request has disconnected.
type disconnectProbe struct {
	replied bool // the reply has begun, so that no informational reply may be sent
	sent    bool // an informational reply was sent to find out
	gone    bool
}

// socketState is the kernel's state of a connection. It is empty for connections that are not sockets.
type socketState struct {
	broken    bool // both directions have ended, or the connection was reset
	inputDone bool // the peer sends no more
	writable  bool // a small write would not wait
}

// Gone implements Client: see the package documentation.
func (c *http1Conn) Gone() bool {
	p := &c.probe
	if p.gone || c.ctx.Err() != nil {
		return true
	}
	state := stateOf(c.conn)
	switch {
	case state.broken:
		p.gone = true
	case state.inputDone && state.writable && !p.replied && !p.sent && c.request.Minor >= 1:
		p.sent = true
		p.gone = c.writer.write([]byte("HTTP/1.1 100 Continue\r\n\r\n")) != nil
	}
	return p.gone
}

// stateOf reads the state of the connection's socket, without waiting.
func stateOf(conn net.Conn) socketState {
	if encrypted, is := conn.(interface{ NetConn() net.Conn }); is {
		conn = encrypted.NetConn()
	}
	system, is := conn.(syscall.Conn)
	if !is {
		return socketState{}
	}
	raw, err := system.SyscallConn()
	if err != nil {
		return socketState{}
	}
	var state socketState
	if err := raw.Control(func(fd uintptr) { state = pollSocket(int(fd)) }); err != nil {
		return socketState{}
	}
	return state
}
