package freeport_test

import (
	"errors"
	"net"
	"strconv"
	"syscall"
	"testing"

	"github.com/ingress-testbed/testbed/internal/freeport"
)

// TestReserve checks that a port refuses connections, that a connection can't have it as its local one, and that it can be
// listened on, on one address or all, again and again.
func TestReserve(t *testing.T) {
	port := freeport.Reserve(t)
	if _, err := net.Dial("tcp", port.String()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("connecting: got %v, want a refusal", err)
	}
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	from := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(port)}
	if conn, err := from.Dial("tcp", other.Addr().String()); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("connecting from it: got %v, %v, want that it is in use", conn, err)
	}
	for _, address := range []string{port.String(), net.JoinHostPort("", strconv.Itoa(int(port.Port()))), port.String()} {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := net.Dial("tcp", port.String())
		if err != nil {
			t.Errorf("connecting to %s: %v", address, err)
		} else {
			conn.Close()
		}
		listener.Close()
	}
}

// TestReserveOften checks that no port is given twice, neither here nor to a listener on any port.
func TestReserveOften(t *testing.T) {
	reserved := map[uint16]bool{}
	for range 1000 {
		port := freeport.Reserve(t).Port()
		if reserved[port] {
			t.Fatalf("port %d was given twice", port)
		}
		reserved[port] = true
	}
	for range 1000 {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		if port := listener.Addr().(*net.TCPAddr).AddrPort().Port(); reserved[port] {
			t.Fatalf("a listener got port %d, which is reserved", port)
		}
	}
}
