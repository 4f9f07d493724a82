package proxy_test

import (
	"bytes"
	"io"
	"net"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/ingress-testbed/testbed/proxy/route"
)

// frameServer is an endpoint's side of an HTTP/2 connection, which writes the frames it likes.
type frameServer struct {
	*http2.Framer
	conn    net.Conn
	block   bytes.Buffer
	encoder *hpack.Encoder
}

// newFrameServer reads the client's preface and sends SETTINGS; nil if none comes.
func newFrameServer(conn net.Conn) *frameServer {
	if _, err := io.ReadFull(conn, make([]byte, len(http2.ClientPreface))); err != nil {
		return nil
	}
	f := &frameServer{Framer: http2.NewFramer(conn, conn), conn: conn}
	f.encoder = hpack.NewEncoder(&f.block)
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	f.WriteSettings()
	return f
}

// frameRequest is a request as an endpoint gets it.
type frameRequest struct {
	stream uint32
	*http2.MetaHeadersFrame
	trailers map[string]string // nil if there were none
}

// request reads frames to the end of a request; nil at the end of the connection. Settings are acknowledged.
func (f *frameServer) request() *frameRequest {
	var r *frameRequest
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			return nil
		}
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if !frame.IsAck() {
				f.WriteSettingsAck()
			}
		case *http2.MetaHeadersFrame:
			if frame.PseudoValue("method") != "" {
				r = &frameRequest{stream: frame.StreamID, MetaHeadersFrame: frame}
				break
			}
			r.trailers = make(map[string]string)
			for _, field := range frame.Fields {
				r.trailers[field.Name] = field.Value
			}
		}
		kind := frame.Header().Type
		if (kind == http2.FrameHeaders || kind == http2.FrameData) && frame.Header().Flags.Has(http2.FlagDataEndStream) {
			return r
		}
	}
}

// headers sends a field section of names and values.
func (f *frameServer) headers(stream uint32, ends bool, pairs ...string) {
	f.block.Reset()
	for i := 0; i < len(pairs); i += 2 {
		f.encoder.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
	}
	f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, EndStream: ends, EndHeaders: true, BlockFragment: f.block.Bytes()})
}

// framed is a table whose endpoint speaks HTTP/2 frame by frame, with a function for each connection.
func framed(t testing.TB, answer func(f *frameServer)) *route.Table {
	t.Helper()
	listener := listen(t)
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if f := newFrameServer(conn); f != nil {
					answer(f)
				}
			}()
		}
	}()
	return toH2C(listener.Addr())
}
