package proxy_test

import (
	"bufio"
	"compress/gzip"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"

	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/compress"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/policy/limits"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// TestCompression has an endpoint that sends a body in two parts, the second after the client has read the first.
func TestCompression(t *testing.T) {
	first, second := strings.Repeat("a", 300), strings.Repeat("b", 300)
	read := make(chan struct{}, 1)
	table := toAll(upstream("u", backend(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		if r.Method == http.MethodHead {
			return
		}
		io.WriteString(w, first)
		http.NewResponseController(w).Flush()
		<-read
		io.WriteString(w, second)
	})))
	table.Hosts[0].Routes[0].Policies = []route.Policy{
		policy.Compress{Codings: []compress.Settings{
			{Coding: compress.Brotli, Level: 4, MinLength: 10, Types: []string{"text/plain"}},
			{Coding: compress.Gzip, Level: 1, MinLength: 10, Types: []string{"text/plain"}, Except: "old"},
		}},
	}
	s := serve(t, proxy.Config{}, table)
	for _, c := range []struct {
		method, accepted, userAgent string
		coding                      string
	}{
		{"GET", "gzip", "new", "gzip"}, {"GET", "deflate", "new", ""}, {"HEAD", "gzip", "new", ""}, {"GET", "gzip, br", "new", "br"},
		{"GET", "gzip", "old", ""}, {"GET", "gzip, br", "old", "br"},
	} {
		request, err := http.NewRequestWithContext(t.Context(), c.method, "http://h/", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Accept-Encoding", c.accepted)
		request.Header.Set("User-Agent", c.userAgent)
		reply, err := s.client(t).Do(request)
		if err != nil {
			t.Fatal(err)
		}
		if got := reply.Header.Get("Content-Encoding"); got != c.coding {
			t.Fatalf("%s, %s: got the coding %q", c.method, c.accepted, got)
		}
		if got := reply.Header["Vary"]; c.method == http.MethodGet && !slices.Equal(got, []string{"Accept-Encoding"}) {
			t.Errorf("%s: Vary is %q", c.accepted, got)
		}
		if c.method == http.MethodHead {
			reply.Body.Close()
			continue
		}
		var body io.Reader = reply.Body
		switch c.coding {
		case "gzip":
			if body, err = gzip.NewReader(body); err != nil {
				t.Fatal(err)
			}
		case "br":
			body = brotli.NewReader(body)
		}
		got := make([]byte, len(first))
		if _, err := io.ReadFull(body, got); err != nil || string(got) != first {
			t.Fatalf("%s: got %q, %v", c.accepted, got, err)
		}
		read <- struct{}{}
		if rest, err := io.ReadAll(body); err != nil || string(rest) != second {
			t.Errorf("%s: got %q, %v", c.accepted, rest, err)
		}
		reply.Body.Close()
	}
}

// TestThrottledReplies measures time on a clock of its own: the first 20 KiB and what a second allows are free.
func TestThrottledReplies(t *testing.T) {
	inFakeTime(t, func(b bubble) {
		const size = 100 << 10
		table := toAll(upstream("u", b.scripted(func(conn net.Conn, in *bufio.Reader) {
			readHead(in)
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: "+strconv.Itoa(size)+"\r\n\r\n"+strings.Repeat("x", size))
		})))
		table.Hosts[0].Routes[0].Policies = []route.Policy{limits.Throttle{Rate: 16 << 10, After: 20 << 10}}
		s := b.serve(proxy.Config{}, table)
		c := b.dial(s)
		started := time.Now()
		c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		reply, body := c.reply("GET")
		if reply.StatusCode != http.StatusOK || len(body) != size {
			b.Errorf("got %d, %d bytes", reply.StatusCode, len(body))
		}
		if took := time.Since(started); took < 2*time.Second || took > 5*time.Second {
			b.Errorf("100 KiB took %s", took)
		}
	})
}
