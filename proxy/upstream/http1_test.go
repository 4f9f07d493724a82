package upstream

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/ingress-testbed/testbed/proxy/route"
)

const get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

// answer reads requests and answers each with a text.
func answer(conn net.Conn, text func(number int, r *http.Request) string) {
	in := bufio.NewReader(conn)
	for number := 1; ; number++ {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		io.Copy(io.Discard, r.Body)
		io.WriteString(conn, text(number, r))
	}
}

func TestHTTP1(t *testing.T) {
	pool := listen(t, route.HTTP1, func(_ int, conn net.Conn) {
		answer(conn, func(int, *http.Request) string { return "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" })
	})
	call := newCall(t, get)
	for range 3 {
		if got := do(pool, call); got.err != nil || got.status != 200 || got.body != "ok" {
			t.Errorf("got %v", got)
		}
		call.Begin()
	}
}

func BenchmarkHTTP1(b *testing.B) {
	pool := listen(b, route.HTTP1, func(_ int, conn net.Conn) {
		request := make([]byte, 4096)
		for {
			if _, err := conn.Read(request); err != nil {
				return
			}
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	})
	call := newCall(b, get)
	b.ReportAllocs()
	for b.Loop() {
		if got := do(pool, call); got.err != nil {
			b.Fatal(got.err)
		}
		call.Begin()
	}
}
