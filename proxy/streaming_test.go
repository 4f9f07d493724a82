package proxy_test

import (
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/ingress-testbed/testbed/proxy"
)

// TestHalfClose has a client that ends its side after the request, and still expects the reply.
func TestHalfClose(t *testing.T) {
	ended := make(chan struct{})
	s := one(t, proxy.Config{}, func(w http.ResponseWriter, r *http.Request) {
		<-ended
		echoBody(w, r)
	})
	c := s.dial(t)
	c.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello")
	if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	close(ended)
	if _, body := c.reply("POST"); body != "hello" {
		t.Errorf("got %q", body)
	}
	c.ended()
}

// TestLargeBodiesNeedNoMemory carries 32 MiB both ways, over both protocols on both sides, to and from a peer that does
// not read at first, and looks at the heap when nothing moves any more.
func TestLargeBodiesNeedNoMemory(t *testing.T) {
	const size = 32 << 20
	for _, isHTTP2 := range []bool{false, true} {
		for _, protocol := range endpointProtocols() {
			inFakeTime(t, func(b bubble) {
				read := make(chan struct{})
				s := b.serve(proxy.Config{}, b.table(protocol, func(w http.ResponseWriter, r *http.Request) {
					if r.Method == http.MethodGet {
						io.CopyN(w, zeros{}, size)
						return
					}
					<-read
					if n, err := io.Copy(io.Discard, r.Body); err != nil || n != size {
						http.Error(w, "the body is incomplete", http.StatusBadRequest)
					}
				}))
				client := s.client(b)
				protocols := new(http.Protocols)
				protocols.SetHTTP1(!isHTTP2)
				protocols.SetUnencryptedHTTP2(isHTTP2)
				client.Transport.(*http.Transport).Protocols = protocols
				before := heap()
				replies := make(chan *http.Response)
				go func() {
					reply, err := client.Post("http://h/", "application/octet-stream", io.LimitReader(zeros{}, size))
					if err != nil {
						b.Error(err)
					}
					replies <- reply
				}()
				b.heapGrew("upload", before)
				close(read)
				reply := <-replies
				if reply == nil || reply.StatusCode != http.StatusOK {
					b.Fatalf("the upload: got %v", reply)
				}
				reply.Body.Close()
				reply, err := client.Get("http://h/")
				if err != nil {
					b.Fatal(err)
				}
				defer reply.Body.Close()
				b.heapGrew("download", before)
				if n, err := io.Copy(io.Discard, reply.Body); n != size || err != nil {
					b.Errorf("the download: got %d bytes, %v", n, err)
				}
			})
		}
	}
}

// heapGrew waits until nothing moves, and fails the test if the heap has grown by what can only be bodies.
func (b bubble) heapGrew(during string, before uint64) {
	b.Helper()
	synctest.Wait()
	if now := heap(); now > before+16<<20 {
		b.Errorf("%s: the heap grew from %d to %d MiB", during, before>>20, now>>20)
	}
}
