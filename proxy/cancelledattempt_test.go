package proxy_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"

	"golang.org/x/net/http2"

	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// TestConnectionIsKeptAfterARefusedAttempt checks that a client keeps its connection when an attempt whose body was held up
// by flow control was refused, and the next one has succeeded.
func TestConnectionIsKeptAfterARefusedAttempt(t *testing.T) {
	var refused atomic.Bool
	answer := func(conn net.Conn, in *bufio.Reader) {
		if _, err := io.ReadFull(in, make([]byte, len(http2.ClientPreface))); err != nil {
			return
		}
		framer := http2.NewFramer(conn, in)
		framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
		for {
			frame, err := framer.ReadFrame()
			if err != nil {
				return
			}
			header := frame.Header()
			switch {
			case header.Flags.Has(http2.FlagDataEndStream) && (header.Type == http2.FrameData || header.Type == http2.FrameHeaders):
				framer.WriteHeaders(http2.HeadersFrameParam{
					StreamID: header.StreamID, EndHeaders: true, EndStream: true, BlockFragment: []byte{0x88}, // :status 200
				})
			case header.Type == http2.FrameHeaders && refused.CompareAndSwap(false, true):
				framer.WriteRSTStream(header.StreamID, http2.ErrCodeRefusedStream)
			case header.Type == http2.FrameHeaders:
				framer.WriteWindowUpdate(header.StreamID, 100)
			}
		}
	}
	s := serve(t, proxy.Config{}, toAll(route.Upstream{
		Name: "u", Protocol: route.H2C, Endpoints: []route.Endpoint{scripted(t, answer), scripted(t, answer)},
	}))
	c := s.dial(t)
	get := func() {
		t.Helper()
		c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		if reply, _ := c.reply("GET"); reply.StatusCode != http.StatusOK {
			t.Fatalf("got %v", reply)
		}
	}
	for range 4 { // so that there is a connection to each endpoint, whose windows are known
		get()
	}
	c.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody")
	if reply, _ := c.reply("POST"); reply.StatusCode != http.StatusOK || reply.Close || !refused.Load() {
		t.Errorf("got %v, refused: %t", reply, refused.Load())
	}
	get()
}
