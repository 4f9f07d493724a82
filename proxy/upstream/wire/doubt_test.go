//go:build linux

package wire

import (
	"errors"
	"net"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestDoubt cuts the network between a connection and its peer, in a network namespace of the test's own.
func TestDoubt(t *testing.T) {
	runtime.LockOSThread() // for good: the thread ends with the test
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Skip("making a network namespace:", err)
	}
	setLoopback(t, true)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	var link Link
	if err := link.Connect(t.Context(), conn, nil); err != nil {
		t.Fatal(err)
	}
	defer link.Close()
	peer, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	link.Doubt()
	if _, err := peer.Write([]byte("a")); err != nil {
		t.Fatal(err)
	}
	var read [1]byte
	if n, err := link.Read(read[:]); n != 1 || err != nil {
		t.Fatalf("a peer that is alive: got %d, %v", n, err)
	}
	setLoopback(t, false)
	cut := time.Now()
	conn.SetReadDeadline(cut.Add(20 * time.Second))
	_, err = link.Read(read[:])
	var failed *net.OpError
	if !errors.As(err, &failed) || !errors.Is(err, unix.ETIMEDOUT) && !errors.Is(err, unix.EHOSTUNREACH) && !errors.Is(err, unix.ENETUNREACH) {
		t.Errorf("a peer that has vanished: got %v after %v", err, time.Since(cut))
	}
}

// setLoopback switches the loopback interface of the network namespace on or off (netdevice(7)).
func setLoopback(t *testing.T, on bool) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	request, err := unix.NewIfreq("lo")
	if err != nil {
		t.Fatal(err)
	}
	if on {
		request.SetUint16(unix.IFF_UP)
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request); err != nil {
		t.Fatal(err)
	}
}
