package main

import (
	"bufio"
	"io"
	"net"
	"testing"

	"golang.org/x/net/http2"
)

// TestEndpointWindow makes more requests than the window has room for replies, and grants the rest afterwards.
func TestEndpointWindow(t *testing.T) {
	const requests, window = 4000, 65535
	for kind, size := range map[endpointKind]int{http2Endpoints: 100, grpcEndpoints: len(grpcMessage)} {
		t.Run(string(kind), func(t *testing.T) {
			framer := dialEndpoint(t, kind)
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				for i := range requests {
					header := http2.HeadersFrameParam{StreamID: uint32(2*i + 1), BlockFragment: []byte{0x82}, EndHeaders: true, EndStream: true}
					if err := framer.WriteHeaders(header); err != nil {
						t.Error(err)
						return
					}
				}
				if err := framer.WritePing(false, [8]byte{}); err != nil {
					t.Error(err)
				}
			}()
			data, ended, granted := 0, 0, window
			for ended < requests || granted == window {
				frame, err := framer.ReadFrame()
				if err != nil {
					t.Fatalf("after %d replies: %v", ended, err)
				}
				if _, ok := frame.(*http2.PingFrame); ok { // its reply: all that the window has room for was sent before
					if whole := min(requests, window/size); data != whole*size {
						t.Errorf("got %d bytes within a window of %d, want %d", data, window, whole*size)
					}
					<-sent
					granted = requests * size
					if err := framer.WriteWindowUpdate(0, uint32(requests*size)); err != nil {
						t.Fatal(err)
					}
				}
				if f, ok := frame.(*http2.DataFrame); ok {
					data += len(f.Data())
				}
				if frame.Header().Flags.Has(http2.FlagDataEndStream) && frame.Header().StreamID > 0 {
					ended++
				}
				if data > granted {
					t.Fatalf("got %d bytes, only %d were granted", data, granted)
				}
			}
			if data != requests*size {
				t.Errorf("got %d bytes, want %d", data, requests*size)
			}
		})
	}
}

// dialEndpoint connects to an endpoint until the test ends.
func dialEndpoint(t *testing.T, kind endpointKind) *http2.Framer {
	t.Helper()
	reply, err := newEndpointReply(kind)
	if err != nil {
		t.Fatal(err)
	}
	client, server := net.Pipe()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c := &endpointConn{reply: reply, in: bufio.NewReader(server), conn: server, window: 65535}
		_ = c.serve() // ends with the connection
		server.Close()
	}()
	t.Cleanup(func() { client.Close(); <-ended })
	if _, err := io.WriteString(client, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	return http2.NewFramer(client, client)
}
