package proxy_test

import (
	"bufio"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/proxy"
)

// TestMemoryOfIdleConnections measures the heap that a connection holds between two requests. The client, of the same
// process, and the endpoint, to which few connections are made, hold little.
func TestMemoryOfIdleConnections(t *testing.T) {
	const connections, limit = 200, 12 << 10
	long := "GET / HTTP/1.1\r\nHost: h\r\n" + strings.Repeat("X-Field: "+strings.Repeat("x", 300)+"\r\n", 90) + "\r\n"
	for name, request := range map[string]string{"after a short header": plainRequest, "after a header of 28 KB": long} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, proxy.Config{}, toAll(upstream("u", scripted(t, func(conn net.Conn, in *bufio.Reader) {
				for readHead(in) != "" {
					io.WriteString(conn, plainReply)
				}
			}))))
			var before, after runtime.MemStats
			measure := func(m *runtime.MemStats) {
				for range 3 { // pools keep what they have for two collections
					runtime.GC()
				}
				runtime.ReadMemStats(m)
			}
			measure(&before)
			for range connections {
				conn, err := net.Dial("tcp", s.plain)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { conn.Close() })
				io.WriteString(conn, request)
				if _, err := io.ReadFull(conn, make([]byte, len(plainReply))); err != nil {
					t.Fatal(err)
				}
			}
			measure(&after)
			each := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / connections
			if each > limit {
				t.Errorf("a connection holds %d bytes, want %d at most", each, limit)
			}
		})
	}
}
