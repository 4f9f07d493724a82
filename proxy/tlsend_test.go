package proxy_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/proxy"
)

// TestEndOfTLS checks that clients to whom only the end of the connection tells the end of a reply can tell one that is
// whole from one that is not: TLS ends with an alert, or without (RFC 9112 section 9.8).
func TestEndOfTLS(t *testing.T) {
	const alert = 21 // RFC 5246 section 6.2.1
	for name, test := range map[string]struct {
		rest  string
		ended bool
	}{
		"whole":      {"0\r\n\r\n", true},
		"incomplete": {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, proxy.Config{}, toAll(upstream("u", scripted(t, func(conn net.Conn, in *bufio.Reader) {
				readHead(in)
				io.WriteString(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"+test.rest)
			}))))
			conn, err := net.Dial("tcp", s.secure)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(20 * time.Second))
			var received recorded
			encrypted := tls.Client(&recording{conn, &received}, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12})
			io.WriteString(encrypted, "GET / HTTP/1.0\r\nHost: h\r\n\r\n")
			reply, _ := io.ReadAll(encrypted)
			if !strings.HasSuffix(string(reply), "\r\n\r\nhello") {
				t.Errorf("got %q", reply)
			}
			if ended := received.lastRecord() == alert; ended != test.ended {
				t.Errorf("TLS ended with an alert: %t, want %t", ended, test.ended)
			}
		})
	}
}

// recording keeps what is read.
type recording struct {
	net.Conn
	received *recorded
}

func (c *recording) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	*c.received = append(*c.received, p[:n]...)
	return n, err
}

// recorded is a sequence of TLS records.
type recorded []byte

// lastRecord returns the type of the last record.
func (r recorded) lastRecord() (kind byte) {
	for len(r) >= 5 {
		kind = r[0]
		r = r[min(len(r), 5+(int(r[3])<<8|int(r[4]))):]
	}
	return kind
}
