package downstream

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/ingress-testbed/testbed/proxy/tunnel"
)

// refusePlainHTTP answers a client that has sent an HTTP request where a TLS handshake was expected (nginx's code 497)
// with 400, given the error of the handshake. It does nothing after any other error.
func refusePlainHTTP(handshake error) {
	var record tls.RecordHeaderError
	if !errors.As(handshake, &record) || record.Conn == nil || !isRequestStart(record.RecordHeader[:]) {
		return
	}
	const text = "The plain HTTP request was sent to the HTTPS port.\n"
	record.Conn.SetDeadline(time.Now().Add(lingerIdle))
	_, err := fmt.Fprintf(record.Conn, "HTTP/1.1 400 %s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n"+
		"Connection: close\r\n\r\n%s", http.StatusText(http.StatusBadRequest), len(text), text)
	if err != nil {
		return
	}
	discardRest(record.Conn)
}

// discardRest reads what a client still sends after the last reply: a connection that is closed with unread bytes is
// reset, and the reply may be lost (RFC 9112 section 9.6). The connection's deadline bounds it.
func discardRest(conn net.Conn) {
	tunnel.CloseWrite(conn)
	_, _ = io.CopyN(io.Discard, conn, discardLimit)
}

// isRequestStart reports whether an HTTP request may begin with these bytes: upper-case letters, with at most one space
// after them, and after that the target.
func isRequestStart(start []byte) bool {
	for i, c := range start {
		switch {
		case 'A' <= c && c <= 'Z', i > 0 && c == '-':
		case c == ' ' && i > 0:
			return i+1 == len(start) || start[i+1] == '/' || start[i+1] == '*' || start[i+1]|0x20 == 'h'
		default:
			return false
		}
	}
	return true
}
