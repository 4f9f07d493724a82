package http2

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	xhttp2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/ingress-testbed/testbed/proxy/message"
)

func testOptions() *Options {
	return &Options{
		Streams: 128, Reading: message.Reading{Bytes: 32 << 10, Fields: 128},
		Header: 60 * time.Second, Idle: 75 * time.Second, Body: 60 * time.Second, Busy: time.Hour,
	}
}

// client is a client that writes the frames it likes, in a bubble of package synctest.
type client struct {
	*xhttp2.Framer
	t       *testing.T
	conn    *memConn
	server  *Conn
	served  chan struct{} // closed when Serve has returned
	block   bytes.Buffer
	encoder *hpack.Encoder
	decoder *hpack.Decoder
	left    []byte // of a frame that is incomplete
	closed  bool   // the server has closed its side
}

// connect starts a connection, and reads the server's SETTINGS. serve serves its requests.
func connect(t *testing.T, options *Options, serve func(*Stream)) *client {
	t.Helper()
	clientEnd, serverEnd := memPipe()
	c := &client{t: t, conn: clientEnd, served: make(chan struct{}), Framer: xhttp2.NewFramer(clientEnd, nil)}
	c.AllowIllegalWrites = true
	c.encoder, c.decoder = hpack.NewEncoder(&c.block), hpack.NewDecoder(4096, nil)
	c.server = New(serverEnd, nil, options, func() func(*Stream) { return serve })
	go func() {
		defer close(c.served)
		c.server.Serve()
	}()
	io.WriteString(clientEnd, xhttp2.ClientPreface)
	c.WriteSettings()
	c.expect("SETTINGS", "WINDOW_UPDATE(0) 983041", "SETTINGS ack")
	t.Cleanup(func() {
		clientEnd.Close()
		<-c.served
	})
	return c
}

// headers encodes and sends a header block.
func (c *client) headers(stream uint32, ends bool, fields ...string) {
	c.WriteHeaders(xhttp2.HeadersFrameParam{
		StreamID: stream, EndStream: ends, EndHeaders: true, BlockFragment: c.encode(fields...),
	})
}

func (c *client) encode(fields ...string) []byte {
	c.block.Reset()
	for i := 0; i < len(fields); i += 2 {
		c.encoder.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	return c.block.Bytes()
}

func request(method string, fields ...string) []string {
	return append([]string{":method", method, ":scheme", "http", ":path", "/", ":authority", "h"}, fields...)
}

func (c *client) get(stream uint32)  { c.headers(stream, true, request("GET")...) }
func (c *client) post(stream uint32) { c.headers(stream, false, request("POST")...) }

// received returns the frames that the server has sent when it waits for something, one text each.
func (c *client) received() []string {
	c.t.Helper()
	synctest.Wait()
	data, ended := c.conn.in.take()
	c.closed = c.closed || ended
	c.left = append(c.left, data...)
	var texts []string
	for {
		reader := bytes.NewReader(c.left)
		framer := xhttp2.NewFramer(nil, reader)
		framer.AllowIllegalReads = true
		frame, err := framer.ReadFrame()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return texts
		}
		if err != nil {
			c.t.Fatal(err)
		}
		texts = append(texts, c.text(frame))
		c.left = c.left[len(c.left)-reader.Len():]
	}
}

func (c *client) text(frame xhttp2.Frame) string {
	header := frame.Header()
	name := fmt.Sprintf("%s(%d)", header.Type, header.StreamID)
	end := ""
	if header.Flags.Has(xhttp2.FlagDataEndStream) && (header.Type == xhttp2.FrameData || header.Type == xhttp2.FrameHeaders) {
		end = " end"
	}
	switch f := frame.(type) {
	case *xhttp2.DataFrame:
		return fmt.Sprintf("%s %d%s", name, len(f.Data()), end)
	case *xhttp2.HeadersFrame:
		fields, err := c.decoder.DecodeFull(f.HeaderBlockFragment())
		if err != nil {
			c.t.Error(err)
		}
		for _, field := range fields {
			name += fmt.Sprintf(" %s=%s", strings.TrimPrefix(field.Name, ":"), field.Value)
		}
		return name + end
	case *xhttp2.RSTStreamFrame:
		return fmt.Sprintf("%s %s", name, f.ErrCode)
	case *xhttp2.GoAwayFrame:
		return fmt.Sprintf("GOAWAY %d %s", f.LastStreamID, f.ErrCode)
	case *xhttp2.WindowUpdateFrame:
		return fmt.Sprintf("%s %d", name, f.Increment)
	}
	switch {
	case header.Flags.Has(xhttp2.FlagPingAck):
		return fmt.Sprintf("%s ack", header.Type)
	default:
		return header.Type.String()
	}
}

// expect compares what was received.
func (c *client) expect(want ...string) {
	c.t.Helper()
	if got := c.received(); !slices.Equal(got, want) {
		c.t.Errorf("got  %q\nwant %q", got, want)
	}
}

// expectAlive checks that a request on a new stream is served.
func (c *client) expectAlive(stream uint32) {
	c.t.Helper()
	c.received()
	c.get(stream)
	got := c.received()
	if !slices.ContainsFunc(got, func(text string) bool { return strings.HasPrefix(text, fmt.Sprintf("HEADERS(%d) status=", stream)) }) {
		c.t.Errorf("got %q, want a reply to stream %d", got, stream)
	}
}

// expectGoAway checks that the server closes the connection with that error.
func (c *client) expectGoAway(code xhttp2.ErrCode) {
	c.t.Helper()
	got := c.received()
	if !c.closed || !slices.ContainsFunc(got, func(text string) bool {
		return strings.HasPrefix(text, "GOAWAY ") && strings.HasSuffix(text, " "+code.String())
	}) {
		c.t.Errorf("got %d frames that end with %q, closed %t, want GOAWAY with %v", len(got), got[max(0, len(got)-3):], c.closed, code)
	}
}

// ok replies with 200 and no content.
func ok(s *Stream) { s.WriteHeader(200, nil, nil, true) }

// held returns a function that serves requests when release is called.
func held() (serve func(*Stream), release func()) {
	hold := make(chan struct{})
	return func(s *Stream) {
		<-hold
		ok(s)
	}, func() { close(hold) }
}

// untilGone serves requests that last until the client cancels them; before is called first.
func untilGone(before func(*Stream)) func(*Stream) {
	return func(s *Stream) {
		gone := make(gate)
		s.OnGone(gone)
		before(s)
		<-gone
	}
}

// gate is a channel that Close closes.
type gate chan struct{}

func (g gate) Close() error {
	close(g)
	return nil
}
