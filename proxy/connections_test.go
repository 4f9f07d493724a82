package proxy_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// connections are those that the proxy makes to endpoints on loopback, in their order.
type connections struct {
	mu   sync.Mutex
	made []*net.TCPConn
}

// DialContext is the proxy's.
func (c *connections) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made = append(c.made, conn.(*net.TCPConn))
	return conn, nil
}

// awaitReadable waits until something, or the end, has arrived on a connection that the proxy does not read.
func (c *connections) awaitReadable(t testing.TB, number int) {
	t.Helper()
	c.mu.Lock()
	if number >= len(c.made) {
		c.mu.Unlock()
		t.Fatalf("there is no connection %d", number)
	}
	conn := c.made[number]
	c.mu.Unlock()
	system, err := conn.SyscallConn()
	if err != nil {
		return // the proxy has closed it
	}
	_ = system.Read(func(fd uintptr) bool { // an error: likewise
		_, _, err := unix.Recvfrom(int(fd), make([]byte, 1), unix.MSG_PEEK|unix.MSG_DONTWAIT)
		return !errors.Is(err, unix.EAGAIN)
	})
}
