package proxy_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/proxy"
)

// TestIncompleteRepliesAreReset checks that a client to which only the end of the connection tells the end of a reply
// can tell one that is whole from one that is not: the connection is closed, or reset. What came before is received in
// both cases.
func TestIncompleteRepliesAreReset(t *testing.T) {
	const header, piece = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "5\r\nhello\r\n"
	for name, test := range map[string]struct {
		rest string // of the endpoint's reply
		hold bool   // the endpoint does not end the connection, and the proxy stops
		want error
	}{
		"whole":                   {rest: "0\r\n\r\n"},
		"ended by the endpoint":   {want: syscall.ECONNRESET},
		"malformed":               {rest: "x\r\n", want: syscall.ECONNRESET},
		"ended by the drain time": {hold: true, want: syscall.ECONNRESET},
	} {
		t.Run(name, func(t *testing.T) {
			table := toAll(upstream("u", scripted(t, func(conn net.Conn, in *bufio.Reader) {
				readHead(in)
				io.WriteString(conn, header+piece+test.rest)
				if test.hold {
					io.Copy(io.Discard, in)
				}
			})))
			config := proxy.Config{Timeouts: proxy.Timeouts{Drain: time.Millisecond}}
			s, stop, ended := start(t, config, table, listen(t), listen(t))
			conn := s.connect(t, s.plain)
			io.WriteString(conn, "GET / HTTP/1.0\r\nHost: h\r\n\r\n")
			in := bufio.NewReader(conn)
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					t.Fatal(err)
				}
				if line == "\r\n" {
					break
				}
			}
			body := make([]byte, len("hello"))
			if _, err := io.ReadFull(in, body); err != nil || string(body) != "hello" {
				t.Fatalf("got %q, %v", body, err)
			}
			if test.hold {
				stop()
			}
			rest, err := io.ReadAll(in)
			if len(rest) > 0 || !errors.Is(err, test.want) {
				t.Errorf("got %q and %v, want %v", rest, err, test.want)
			}
			stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}
