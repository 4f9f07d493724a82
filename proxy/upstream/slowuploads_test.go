package upstream

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/proxy/upstream/tlsprofile"
	"github.com/ingress-testbed/testbed/proxy/upstream/wire"
)

// slowly is a connection that is read as by an endpoint with little bandwidth: 20 KiB a second, and nothing more after an
// amount.
type slowly struct {
	net.Conn
	left  int             // bytes
	given <-chan struct{} // closed when the proxy has given up
}

const (
	slowPiece    = 1 << 10
	slowInterval = 50 * time.Millisecond
)

func (s *slowly) Read(p []byte) (int, error) {
	if s.left <= 0 {
		<-s.given
		return 0, io.ErrUnexpectedEOF
	}
	<-time.After(slowInterval) // real time: what is tested is what the kernel reports about the connection
	n, err := s.Conn.Read(p[:min(len(p), slowPiece)])
	s.left -= n
	return n, err
}

// An endpoint that takes a body slowly is not late while it takes some of it, however little in the time that it has for a
// reply, and whether the rest waits here or in the kernel's buffer. One that takes nothing any more is.
func TestUploadThatIsTakenSlowly(t *testing.T) {
	const size, limit = 60 << 10, 2 * time.Second // within the limit, 40 KiB are taken
	for _, protocol := range []route.Protocol{route.HTTP1, route.HTTPS, route.H2C} {
		for name, taken := range map[string]int{"all of it": 1 << 30, "a part": size / 3} {
			for _, buffer := range []int{0, 4 << 10} { // SO_SNDBUF in bytes; 0 is the kernel's default, more than the body
				t.Run(fmt.Sprintf("%v/%s/%d", protocol, name, buffer), func(t *testing.T) {
					t.Parallel()
					given := make(chan struct{})
					pool := slowEndpoint(t, protocol, buffer, func(conn net.Conn) {
						takeUpload(t, protocol, &slowly{conn, taken, given})
					})
					call := newCall(t, fmt.Sprintf("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", size))
					call.Timeouts.Response, call.Timeouts.Send = limit, limit
					body := feed(call, 1)
					body.pieces <- make([]byte, size)
					close(body.pieces)
					got, after := took(pool, call)
					close(given)
					switch {
					case taken > size && (got.err != nil || got.status != 204):
						t.Errorf("got %v after %v", got, after)
					case taken < size && (!IsTimeout(got.err) || after < limit):
						t.Errorf("it is not given up: got %v after %v", got, after)
					}
				})
			}
		}
	}
}

// An endpoint that takes nothing for the time in which it must is not waited for as long as for a reply.
func TestUploadThatIsNotTaken(t *testing.T) {
	const size, limit = 60 << 10, time.Second
	for _, protocol := range []route.Protocol{route.HTTP1, route.HTTPS, route.H2C} {
		t.Run(protocol.String(), func(t *testing.T) {
			t.Parallel()
			given := make(chan struct{})
			pool := slowEndpoint(t, protocol, 4<<10, func(conn net.Conn) { takeUpload(t, protocol, &slowly{conn, 1 << 10, given}) })
			call := newCall(t, fmt.Sprintf("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", size))
			call.Timeouts.Response, call.Timeouts.Send = 100*limit, limit
			body := feed(call, 1)
			body.pieces <- make([]byte, size)
			close(body.pieces)
			got, after := took(pool, call)
			close(given)
			if !errors.Is(got.err, wire.ErrSlowSend) || !IsTimeout(got.err) || after < limit || after > 20*limit {
				t.Errorf("got %v after %v", got, after)
			}
		})
	}
}

// takeUpload reads a request and replies with 204.
func takeUpload(t *testing.T, protocol route.Protocol, conn net.Conn) {
	if protocol.HTTP2() {
		f := newFramer(t, conn)
		if f == nil {
			return
		}
		if s := f.whole(); s != nil {
			f.headers(s.id, true, ":status", "204")
			f.drain()
		}
		return
	}
	if protocol == route.HTTPS {
		conn = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{newCertificate(t)}})
	}
	if _, err := readRequest(bufio.NewReader(conn)); err == nil {
		io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
		io.Copy(io.Discard, conn)
	}
}

// slowEndpoint makes a pool of an endpoint whose kernel takes little at once: small segments, as they are outside of
// loopback, and a small buffer. send is the size of the proxy's buffer.
func slowEndpoint(t *testing.T, protocol route.Protocol, send int, serve func(conn net.Conn)) *Pool {
	t.Helper()
	small := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) {
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 4<<10)
			unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, 1000)
		})
	}}
	listener, err := small.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		serve(conn)
	}()
	registry := newRegistry(func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil && send > 0 {
			err = conn.(*net.TCPConn).SetWriteBuffer(send)
		}
		return conn, err
	})
	t.Cleanup(func() {
		registry.Keep(func(Key) bool { return false })
		listener.Close()
		<-ended
	})
	profile, err := tlsprofile.New(protocol, nil)
	if err != nil {
		t.Fatal(err)
	}
	return registry.Pool(NewKey(netip.MustParseAddrPort(listener.Addr().String()), protocol, profile), profile)
}
