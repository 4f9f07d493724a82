package proxy_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/proxy"
)

// TestHalfClose has a client that ends its side after the request, and still wants the reply.
func TestHalfClose(t *testing.T) {
	s := one(t, proxy.Config{}, func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(20 * time.Millisecond)
		echoBody(w, r)
	})
	c := s.dial(t)
	c.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello")
	if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, body := c.reply("POST"); body != "hello" {
		t.Errorf("got %q", body)
	}
	c.ended()
}

// TestLargeBodiesNeedNoMemory carries 32 MiB both ways, over both protocols, to and from a peer that is slow at the
// start, and looks at the heap meanwhile.
func TestLargeBodiesNeedNoMemory(t *testing.T) {
	const size = 32 << 20
	s := one(t, proxy.Config{}, func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(100 * time.Millisecond)
		if n, err := io.Copy(io.Discard, r.Body); err != nil || r.Method == http.MethodPost && n != size {
			http.Error(w, "the body is not whole", http.StatusBadRequest)
			return
		}
		if r.Method == http.MethodGet {
			io.CopyN(w, zeros{}, size)
		}
	})
	for _, scheme := range []string{"http", "https"} {
		client := s.client(t)
		before := heap()
		reply, err := client.Post(scheme+"://h/", "application/octet-stream", io.LimitReader(zeros{}, size))
		if err != nil {
			t.Fatal(err)
		}
		reply.Body.Close()
		if reply.StatusCode != http.StatusOK {
			t.Fatalf("%s upload: got %v", scheme, reply)
		}
		if reply, err = client.Get(scheme + "://h/"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond) // the endpoint goes on sending
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		if stats.HeapAlloc > before+16<<20 {
			t.Errorf("%s: the heap grew from %d to %d MiB", scheme, before>>20, stats.HeapAlloc>>20)
		}
		if n, err := io.Copy(io.Discard, reply.Body); n != size || err != nil {
			t.Errorf("%s download: got %d bytes, %v", scheme, n, err)
		}
		reply.Body.Close()
	}
}

// TestSlowReaderIsGivenUp has a client that takes nothing of its reply.
func TestSlowReaderIsGivenUp(t *testing.T) {
	done := make(chan struct{})
	s := one(t, proxy.Config{Timeouts: proxy.Timeouts{Body: 100 * time.Millisecond}},
		func(w http.ResponseWriter, r *http.Request) {
			defer close(done)
			block := bytes.Repeat([]byte("x"), 64<<10)
			for range 10_000 {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
			t.Error("the proxy took 640 MB that nobody reads")
		})
	c := s.dial(t)
	c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Error("the endpoint is still sending")
	}
}
