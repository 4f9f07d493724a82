package proxy_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/proxy"
)

func TestReplyThatEndsWithTheConnection(t *testing.T) {
	s := serve(t, proxy.Config{}, toAll(upstream("u", scripted(t, func(conn net.Conn, in *bufio.Reader) {
		readHead(in)
		io.WriteString(conn, "HTTP/1.0 200 OK\r\nX: 1\r\n\r\nall of it")
	}))))
	c := s.dial(t)
	for range 2 { // the client's connection goes on
		c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		if reply, body := c.reply("GET"); body != "all of it" || reply.TransferEncoding[0] != "chunked" {
			t.Errorf("got %q, %v", body, reply)
		}
	}
}

func TestReplyThatBreaksOffIsCutOff(t *testing.T) {
	for name, reply := range map[string]string{
		"length": "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this",
		"chunks": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nonly \r\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, proxy.Config{}, toAll(upstream("u", scripted(t, func(conn net.Conn, in *bufio.Reader) {
				readHead(in)
				io.WriteString(conn, reply)
			}))))
			c := s.dial(t)
			c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
			got, err := http.ReadResponse(c.in, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadAll(got.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("the client took a part for the whole: %v", err)
			}
		})
	}
}

func TestBadRepliesAre502(t *testing.T) {
	for _, reply := range []string{
		"", "nonsense\r\n\r\n", "HTTP/1.1 099 X\r\n\r\n", "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nX: 1\r\n 2\r\n\r\n", "HTTP/1.1 200 OK\r\nX: a\x00b\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
		"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n",
	} {
		s := serve(t, proxy.Config{}, toAll(upstream("u", scripted(t, func(conn net.Conn, in *bufio.Reader) {
			readHead(in)
			io.WriteString(conn, reply)
		}))))
		if code, _, _ := s.get(t, "http://h/"); code != 502 {
			t.Errorf("%.40q: got %d", reply, code)
		}
	}
}

// TestIrregularRepliesAreForwarded has replies that RFC 9112 has a proxy correct, or that are common enough.
func TestIrregularRepliesAreForwarded(t *testing.T) {
	for sent, want := range map[string]string{
		"HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n":                                    "HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nX : 1\r\nContent-Length: 0\r\n\r\n":                          "HTTP/1.1 200 OK\r\nX:  1\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok":                              "HTTP/1.1 200 OK\r\nContent-Length:    2\r\n\r\nok",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: , chunked\r\n\r\n2  \r\nok\r\n0\r\n\r\n":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2 ;a=b\r\nok\r\n0\r\n\r\n": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
		"HTTP/1.1 426 X\r\nUpgrade: a/1\r\nContent-Length: 0\r\n\r\n":                    "HTTP/1.1 426 X\r\nContent-Length: 0\r\nConnection: upgrade\r\nUpgrade: a/1\r\n\r\n",
		"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n":                           "HTTP/1.1 204 No Content\r\n\r\n",
		"HTTP/1.1 103 X\r\nContent-Length: 7\r\nLink: </a>\r\n\r\nHTTP/1.1 304 X\r\nContent-Length: 9\r\n\r\n": "HTTP/1.1 103 X\r\nLink: </a>\r\n\r\n" +
			"HTTP/1.1 304 X\r\nContent-Length: 9\r\n\r\n",
	} {
		s := serve(t, proxy.Config{}, toAll(upstream("u", scripted(t, func(conn net.Conn, in *bufio.Reader) {
			readHead(in)
			io.WriteString(conn, sent)
		}))))
		c := s.dial(t)
		c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		const date = "Date: Thu, 26 Nov 2026 12:18:27 GMT\r\n" // as long as the one that the proxy adds
		raw := make([]byte, len(want)+len(date))
		_, err := io.ReadFull(c.in, raw)
		got := regexp.MustCompile("Date: [^\r]*\r\n").ReplaceAllString(string(raw), "")
		if err != nil || got != want {
			t.Errorf("%q becomes %q, %v, want %q", sent, got, err, want)
		}
	}
}

func TestEarlyReplyToALongBody(t *testing.T) {
	s := one(t, proxy.Config{}, func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "no", http.StatusForbidden)
	})
	reply, err := s.client(t).Post("http://h/", "text/plain", io.LimitReader(zeros{}, 50<<20))
	if err != nil {
		t.Fatal(err)
	}
	reply.Body.Close()
	if reply.StatusCode != http.StatusForbidden {
		t.Errorf("got %v", reply)
	}
}
