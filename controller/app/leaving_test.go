package app_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net/http"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/ingress-testbed/testbed/controller/app"
)

// TestClientsLeaveAtSIGTERM checks that the connections of clients end from SIGTERM on, while the ports are still open.
func TestClientsLeaveAtSIGTERM(t *testing.T) {
	w := start(t, func(o *app.Options) { o.ShutdownGracePeriod = 5 * time.Second })
	w.backend("web", "one")
	w.create(ingress("shop", "shop.example.com", "/", "web"))
	w.expect("shop.example.com", "/", 200, "one")
	http2Client := w.connectHTTP2("shop.example.com")
	http2Client.await("a reply", func(frame http2.Frame) bool { return frame.Header().Type == http2.FrameHeaders })
	w.terminate()
	http2Client.await("GOAWAY", func(frame http2.Frame) bool {
		goAway, is := frame.(*http2.GoAwayFrame)
		return is && goAway.ErrCode == http2.ErrCodeNo
	})
	http1Client := http.Client{Transport: &http.Transport{DialContext: w.dial}, Timeout: patience}
	reply, err := http1Client.Get("http://shop.example.com/")
	if err != nil {
		t.Fatalf("a new connection during the grace period: %v", err)
	}
	reply.Body.Close()
	if reply.StatusCode != http.StatusOK || !reply.Close {
		t.Errorf("during the grace period, HTTP/1.1: got %s, closed %t", reply.Status, reply.Close)
	}
}

// http2Client is a client at frame level.
type http2Client struct {
	*http2.Framer
	t *testing.T
}

// connectHTTP2 connects, and makes a request.
func (w *world) connectHTTP2(host string) http2Client {
	w.t.Helper()
	conn, err := tls.Dial("tcp", loopback(w.listening.Secure), &tls.Config{
		ServerName: host, InsecureSkipVerify: true, NextProtos: []string{"h2"},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, field := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", host}, {":path", "/"}} {
		encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]})
	}
	client := http2Client{http2.NewFramer(conn, conn), w.t}
	io.WriteString(conn, http2.ClientPreface)
	client.WriteSettings()
	client.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndStream: true, EndHeaders: true, BlockFragment: block.Bytes()})
	return client
}

// await reads frames until one is what is expected.
func (c http2Client) await(what string, is func(http2.Frame) bool) {
	c.t.Helper()
	for {
		frame, err := c.ReadFrame()
		if err != nil {
			c.t.Fatalf("waiting for %s: %v", what, err)
		}
		if is(frame) {
			return
		}
	}
}
