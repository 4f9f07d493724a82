package upstream

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingress-testbed/testbed/proxy/http1"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// An event stream that has sent much and falls silent holds small buffers only, and can continue.
func TestBuffersShrink(t *testing.T) {
	for _, protocol := range []route.Protocol{route.HTTP1, route.H2C} {
		synctest.Test(t, func(t *testing.T) {
			const burst = 200 << 10
			resume := make(chan struct{})
			pool := inMemory(t, protocol, func(_ int, conn net.Conn) {
				text := strings.Repeat("x", burst)
				if protocol == route.HTTP1 {
					readRequest(bufio.NewReader(conn))
					io.WriteString(conn, "HTTP/1.1 200 OK\r\nX: kept\r\n\r\n"+text)
					<-resume
					io.WriteString(conn, "end")
					io.Copy(io.Discard, conn)
					return
				}
				f := newFramer(t, conn)
				s := f.whole()
				f.headers(s.id, false, ":status", "200", "x", "kept")
				for i := 0; i < burst; i += 16 << 10 {
					f.WriteData(s.id, false, []byte(text[i:min(i+16<<10, burst)]))
				}
				<-resume
				f.WriteData(s.id, true, []byte("end"))
				f.drain()
			})
			call := newCall(t, get)
			reply, err := pool.RoundTrip(call, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			room := &reply.(conn).base().NetConn().(*queued).room
			enlarged := false
			for got := 0; got < burst; {
				piece, err := reply.Next()
				if err != nil {
					t.Fatal(err)
				}
				got += len(piece)
				enlarged = enlarged || room.Load() == http1.LargeBuffer
			}
			if !enlarged {
				t.Error("a large body was read with a small buffer")
			}
			go func() {
				time.Sleep(10 * watchInterval)
				if room := room.Load(); room > smallBuffer {
					t.Errorf("a silent stream holds a buffer of %d bytes", room)
				}
				close(resume)
			}()
			if piece, err := reply.Next(); err != nil || string(piece) != "end" {
				t.Errorf("got %q, %v", piece, err)
			}
			if value := reply.Header().Value("x"); string(value) != "kept" {
				t.Errorf("the header has become %q", value)
			}
			reply.Close()
		})
	}
}
