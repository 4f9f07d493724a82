//go:build linux

package tunnel

import (
	"errors"
	"io"
	"net"
	"testing"
)

// TestIsClosed tells a connection that was reset from one whose peer has ended its direction, when reading either gives the same
// end: the error of the reset was reported to a write.
func TestIsClosed(t *testing.T) {
	for _, reset := range []bool{false, true} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		peer, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if reset {
			peer.(*net.TCPConn).SetLinger(0)
			peer.Close()
			for err == nil {
				_, err = conn.Write([]byte("x"))
			}
		} else {
			peer.(*net.TCPConn).CloseWrite()
		}
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Fatalf("reset %t: got %v", reset, err)
		}
		if got := isClosed(conn); got != reset {
			t.Errorf("reset %t: closed is %t", reset, got)
		}
		conn.Close()
		peer.Close()
		listener.Close()
	}
}
