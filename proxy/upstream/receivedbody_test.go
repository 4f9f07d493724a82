package upstream

import (
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/proxy/route"
)

// What has come behind the header, and more than was read with it, is available at once, so that it can be written
// together. What has not is not waited for, and how the reply ends is not lost.
func TestReceivedBody(t *testing.T) {
	const firstRead = 4 << 10
	reply := func(header string, size int) string { // header and a part of the body, together of a size
		return header + strings.Repeat("x", size-len(header))
	}
	counted := func(total int) string {
		const longest = len("HTTP/1.1 200 OK\r\nContent-Length: 00000\r\n\r\n")
		return "HTTP/1.1 200 OK\r\nContent-Length: " + strconv.Itoa(total-longest) + "\r\n\r\n"
	}
	const untilClose = "HTTP/1.1 200 OK\r\n\r\n"
	for name, test := range map[string]struct {
		first, later string
		reset        bool // instead of an end
		available    int  // bytes of the body that need no wait
		failed       bool
	}{
		"all at once": {first: reply(counted(20000), 20000), available: 19958},
		"no more yet": {first: reply(counted(20000), firstRead), later: strings.Repeat("x", 20000-firstRead),
			available: firstRead - 42},
		"no more at all": {first: reply(untilClose, firstRead), available: firstRead - len(untilClose)},
		"a reset":        {first: reply(untilClose, firstRead), available: firstRead - len(untilClose), reset: true, failed: true},
	} {
		t.Run(name, func(t *testing.T) {
			waits := make(chan struct{})
			pool := listen(t, route.HTTP1, func(_ int, conn net.Conn) {
				readHeader(conn)
				io.WriteString(conn, test.first)
				<-waits
				io.WriteString(conn, test.later)
				if test.reset {
					conn.(*net.TCPConn).SetLinger(0)
				}
			})
			answer, err := pool.RoundTrip(newCall(t, get), time.Now())
			if err != nil {
				t.Fatal(err)
			}
			available := 0
			for range 2 {
				piece, err := answer.Available()
				if err != nil && !errors.Is(err, io.EOF) {
					t.Fatal(err)
				}
				available += len(piece)
			}
			if available != test.available {
				t.Errorf("%d bytes are available, want %d", available, test.available)
			}
			close(waits)
			rest := read(answer)
			if test.failed != (rest.err != nil) {
				t.Errorf("the reply ended with %v", rest.err)
			}
			if want := len(test.first) + len(test.later) - strings.Index(test.first, "\r\n\r\n") - 4; available+len(rest.body) != want && !test.failed {
				t.Errorf("got %d bytes, want %d", available+len(rest.body), want)
			}
			answer.Close()
		})
	}
}

// readHeader reads a request that has no body, and comes at once.
func readHeader(conn net.Conn) { conn.Read(make([]byte, 4<<10)) }
