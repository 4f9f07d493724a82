package proxy_test

import (
	"bufio"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ingress-testbed/testbed/internal/racedetector"
	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/quirk"
	"github.com/ingress-testbed/testbed/proxy/route"
)

const (
	plainRequest = "GET /some/path?query=1 HTTP/1.1\r\nHost: gyull.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n" +
		"Accept: text/html\r\nAccept-Language: en-GB,en;q=0.5\r\nCookie: session=0123456789abcdef; theme=light\r\n\r\n"
	postRequest = "POST /some/path HTTP/1.1\r\nHost: gyull.com\r\nContent-Length: 5\r\n\r\nhello"
	plainReply  = "HTTP/1.1 200 OK\r\nServer: test\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
	largeReply  = "HTTP/1.1 200 OK\r\nServer: test\r\nContent-Length: 65536\r\n\r\n" // without its body
	chunkReply  = "HTTP/1.1 200 OK\r\nServer: test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
)

// TestNoAllocation gates the steady state of HTTP/1.1 keep-alive, with everything on that costs something: access
// log, metrics, a canary, a session cookie. Client and endpoint are of this process too, and allocate nothing.
func TestNoAllocation(t *testing.T) {
	for name, c := range map[string]struct {
		request, reply string
		quirks         quirk.Set
	}{
		"GET":           {plainRequest, plainReply, 0},
		"POST":          {postRequest, plainReply, 0},
		"chunked reply": {plainRequest, chunkReply, 0},
		"large reply":   {plainRequest, largeReply + strings.Repeat("x", 64<<10), 0},
		"all quirks":    {plainRequest, plainReply, ^quirk.Set(0)},
	} {
		t.Run(name, func(t *testing.T) {
			ask := steady(t, c.request, c.reply, c.quirks)
			for range 200 { // fills pools and buffers
				ask()
			}
			const requests = 2000
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			for range requests {
				ask()
			}
			runtime.ReadMemStats(&after)
			// The runtime itself allocates now and then (timers of the access log, a GC that empties pools). With the race
			// detector a sync.Pool forgets a quarter of what it is given, such as the buffers of large replies.
			limit := 0.02
			if racedetector.On && name == "large reply" {
				limit = 1
			}
			if each := float64(after.Mallocs-before.Mallocs) / requests; each > limit {
				t.Errorf("%.3f allocations a request, want none", each)
			}
		})
	}
}

// steady returns a function that sends a request and waits for the whole reply.
func steady(t testing.TB, request, reply string, quirks quirk.Set) (ask func()) {
	fixed := scripted(t, func(conn net.Conn, in *bufio.Reader) {
		answer := []byte(reply)
		buffer := make([]byte, 4<<10)
		for {
			if n, err := conn.Read(buffer); err != nil || n == 0 {
				return
			}
			if _, err := conn.Write(answer); err != nil {
				return
			}
		}
	})
	table := toAll(upstream("u", fixed))
	table.Quirks = quirks
	r := &table.Hosts[0].Routes[0]
	forward := route.To("u")
	forward.Canary = &route.Canary{Backend: forward.Backends[0], Header: "X-Canary", Cookie: "canary", Weight: 50}
	r.Action = forward
	r.Policies = []route.Policy{
		policy.HSTS{Value: "max-age=1"}, policy.BodySize{Bytes: 1 << 20},
		policy.Affinity{Cookie: "unknown"}, policy.Timeouts{Response: time.Minute},
	}
	s := serve(t, proxy.Config{AccessLog: io.Discard, Registerer: prometheus.NewRegistry()}, table)
	if _, err := s.Update(table.Upstreams); err != nil { // a table whose endpoints have changed costs no more
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", s.plain)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	sent, got := []byte(request), make([]byte, 4<<10)
	length := len(reply)
	return func() {
		if _, err := conn.Write(sent); err != nil {
			t.Fatal(err)
		}
		for read := 0; read < length; {
			n, err := conn.Read(got)
			if err != nil {
				t.Fatal(err)
			}
			read += n
		}
	}
}

func BenchmarkKeepAlive(b *testing.B) {
	ask := steady(b, plainRequest, plainReply, 0)
	b.ReportAllocs()
	for b.Loop() {
		ask()
	}
}
