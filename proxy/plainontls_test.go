package proxy_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/proxy"
)

// exchangeRaw sends text to an address and returns all that comes back until the proxy closes the connection.
func exchangeRaw(t *testing.T, address, text string) string {
	t.Helper()
	reply, _ := exchangeToEnd(t, address, text) // a reset is as good as an end
	return reply
}

// exchangeToEnd also returns the error of a connection that was reset.
func exchangeToEnd(t *testing.T, address, text string) (string, error) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	conn.(*net.TCPConn).CloseWrite()
	reply, err := io.ReadAll(conn)
	return string(reply), err
}

func TestPlainHTTPOnTheTLSPort(t *testing.T) {
	s := one(t, proxy.Config{}, named("x"))
	for _, start := range []string{
		"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "POST /form HTTP/1.1\r\nHost: h\r\nContent-Length: 60000\r\n\r\n" + strings.Repeat("x", 60000),
		"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "DELETE /x HTTP/1.1\r\n\r\n", "GET http://h/ HTTP/1.1\r\n\r\n",
		"M-SEARCH * HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	} {
		reply, err := exchangeToEnd(t, s.secure, start)
		header, body, _ := strings.Cut(reply, "\r\n\r\n")
		if !strings.HasPrefix(header, "HTTP/1.1 400 Bad Request\r\n") || !strings.Contains(header, "\r\nConnection: close") ||
			body != "The plain HTTP request was sent to the HTTPS port.\n" || err != nil {
			t.Errorf("%.20q: got %q, %v", start, reply, err)
		}
	}
	for _, start := range []string{
		"\x00\x00\x00\x00\x00", "SSH-2.0-OpenSSH_9.9\r\n", "get / HTTP/1.1\r\n\r\n", " GET / HTTP/1.1\r\n", "GET", "GET x\r\n", "\x80\x2e\x01\x00\x02",
	} {
		if reply := exchangeRaw(t, s.secure, start); strings.Contains(reply, "HTTP") {
			t.Errorf("%.20q: got %q, want no reply in HTTP", start, reply)
		}
	}
	// The port still speaks TLS.
	if code, _, _ := s.get(t, "https://h/"); code != http.StatusOK {
		t.Errorf("over TLS: got %d", code)
	}
	// Garbage inside TLS is not mistaken for plain HTTP: what answers is encrypted.
	conn, err := tls.Dial("tcp", s.secure, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	if reply, err := io.ReadAll(conn); err != nil || !strings.HasPrefix(string(reply), "HTTP/1.1 200 ") {
		t.Errorf("got %q, %v", reply, err)
	}
}
