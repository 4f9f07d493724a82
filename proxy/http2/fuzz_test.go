package http2

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	xhttp2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/ingress-testbed/testbed/proxy/message"
)

// FuzzConn sends what may or may not be frames, and checks that the connection ends without a panic or a hang.
func FuzzConn(f *testing.F) {
	seed := func(write func(*xhttp2.Framer)) {
		var frames bytes.Buffer
		write(xhttp2.NewFramer(&frames, nil))
		f.Add(frames.Bytes())
	}
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, field := range [][2]string{{":method", "POST"}, {":scheme", "http"}, {":path", "/"}, {":authority", "h"}, {"a", "b"}} {
		encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]})
	}
	seed(func(w *xhttp2.Framer) {
		w.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 1})
		w.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true})
		w.WriteData(1, true, []byte("hello"))
		w.WriteWindowUpdate(1, 100)
		w.WriteWindowUpdate(0, 100)
		w.WritePing(false, [8]byte{1})
	})
	seed(func(w *xhttp2.Framer) {
		w.WriteSettings()
		w.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes()[:3]})
		w.WriteContinuation(1, true, block.Bytes()[3:])
		w.WriteRSTStream(1, xhttp2.ErrCodeCancel)
		w.WriteSettingsAck()
		w.WriteGoAway(1, xhttp2.ErrCodeNo, nil)
	})
	f.Fuzz(func(t *testing.T, frames []byte) {
		client, server := net.Pipe()
		options := &Options{
			Streams: 4, Reading: message.Reading{Bytes: 4 << 10, Fields: 20}, Header: time.Second, Idle: time.Second, Body: time.Second,
			Busy: time.Second,
		}
		conn := New(server, nil, options, func() func(*Stream) { return echo })
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			conn.Serve()
		}()
		go io.Copy(io.Discard, client)
		io.WriteString(client, xhttp2.ClientPreface)
		client.Write(frames)
		client.Close()
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			t.Fatal("the connection does not end")
		}
	})
}

// echo answers with the request's body.
func echo(s *Stream) {
	if s.Refused != nil {
		s.WriteHeader(s.Refused.Status, nil, nil, true)
		return
	}
	if s.WriteHeader(200, nil, []byte("X-Test: 1\r\n"), false) != nil {
		return
	}
	for {
		piece, err := s.Next()
		if errors.Is(err, io.EOF) {
			s.End(s.Trailers())
			return
		}
		if err != nil || s.WriteData(piece) != nil || s.Flush() != nil {
			s.Abort()
			return
		}
	}
}
