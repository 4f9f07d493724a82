//go:build linux

package upstream

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/proxy/upstream/tlsprofile"
)

// TestVanishedEndpointIsGivenUp cuts the network to an endpoint that has taken a request, in a network namespace of the test's
// own. The call ends only once the endpoint has left the table: until then it may be slow.
func TestVanishedEndpointIsGivenUp(t *testing.T) {
	runtime.LockOSThread() // for good: the thread, which is in the namespace, ends with the test
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Skip("making a network namespace:", err)
	}
	for _, method := range []string{"GET", "POST"} {
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
		peer, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer peer.Close()
		registry := newRegistry(func(context.Context, string, string) (net.Conn, error) { return conn, nil })
		pool := registry.Pool(NewKey(netip.MustParseAddrPort(listener.Addr().String()), route.HTTP1, tlsprofile.Profile{}), tlsprofile.Profile{})
		call := newCall(t, method+" / HTTP/1.1\r\nHost: h\r\n\r\n")
		call.Timeouts.Response = time.Hour
		ended := make(chan result, 1)
		go func() { ended <- do(pool, call) }()
		if _, err := http.ReadRequest(bufio.NewReader(peer)); err != nil {
			t.Fatal(err)
		}
		registry.Keep(func(Key) bool { return false })
		setLoopback(t, false)
		select {
		case got := <-ended:
			if safe := method == "GET"; call.Retryable(got.err) != safe || IsTimeout(got.err) && !errors.Is(got.err, unix.ETIMEDOUT) {
				t.Errorf("%s: got %v, to be retried: %t", method, got.err, call.Retryable(got.err))
			}
		case <-time.After(20 * time.Second):
			t.Errorf("%s: the call goes on", method)
			conn.Close()
			<-ended
		}
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
