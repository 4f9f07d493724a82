package upstream

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	xhttp2 "golang.org/x/net/http2"

	"github.com/ingress-testbed/testbed/proxy/http2/frames"
	"github.com/ingress-testbed/testbed/proxy/upstream/tlsprofile"
)

// canned is a connection to an endpoint that always sends the same bytes and then ends.
type canned struct {
	text  *bytes.Reader
	small bool // a read brings one byte
	mu    sync.Mutex
	sent  bytes.Buffer
}

func (c *canned) Read(p []byte) (int, error) {
	if c.small && len(p) > 1 {
		p = p[:1]
	}
	return c.text.Read(p)
}

func (c *canned) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sent.Write(p)
}

func (c *canned) Close() error                     { return nil }
func (c *canned) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c *canned) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (c *canned) SetDeadline(time.Time) error      { return nil }
func (c *canned) SetReadDeadline(time.Time) error  { return nil }
func (c *canned) SetWriteDeadline(time.Time) error { return nil }

// fuzzed sends a request to an endpoint that answers with the text.
func fuzzed(t *testing.T, http2 bool, request string, text []byte, small bool) (result, *canned) {
	conn := &canned{text: bytes.NewReader(text), small: small}
	registry := newRegistry(func(context.Context, string, string) (net.Conn, error) { return conn, nil })
	return do(registry.Pool(Key{HTTP2: http2}, tlsprofile.Profile{}), newCall(t, request)), conn
}

const post = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody"

// FuzzEndpointFrames gives the frames of an endpoint to a call. However they are cut into segments the result is the same,
// a reply is complete or an error, and what is written are valid frames.
func FuzzEndpointFrames(f *testing.F) {
	settings := frames.AppendSettings(nil)
	head := func(block string, ends bool) []byte {
		dst := append(make([]byte, frames.HeaderSize), block...)
		return frames.EndHeaders(dst, 0, 1, ends, 16384)
	}
	join := func(frames ...[]byte) []byte { return bytes.Join(frames, nil) }
	f.Add(settings, false)
	f.Add(join(settings, head("\x88", true)), false)
	f.Add(join(settings, head("\x88", false), frames.AppendData(nil, 1, []byte("ok"), true)), true)
	f.Add(join(settings, head("\x08\x03103", false), head("\x88\x40\x01a\x01b", false), head("\x40\x01a\x01b", true)), true)
	f.Add(join(settings, frames.AppendPing(nil, false, make([]byte, 8)), frames.AppendWindowUpdate(nil, 1, 9),
		frames.AppendReset(nil, 1, xhttp2.ErrCodeNo)), true)
	f.Add(join(settings, []byte("\x00\x00\x09\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00x")), true)
	f.Add(join(settings, []byte("\x00\x00\x08\x01\x2d\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00\x88\x00")), false)
	f.Fuzz(func(t *testing.T, frames []byte, withBody bool) {
		request := get
		if withBody {
			request = post
		}
		whole, conn := fuzzed(t, true, request, frames, false)
		bytewise, _ := fuzzed(t, true, request, frames, true)
		if (whole.err == nil) != (bytewise.err == nil) || whole.err == nil && (whole.status != bytewise.status || whole.body != bytewise.body) {
			t.Errorf("in one segment: %v; byte by byte: %v", whole, bytewise)
		}
		if whole.err == nil && (whole.status < 200 || whole.status > 999) {
			t.Errorf("got %v", whole)
		}
		sent := bytes.TrimPrefix(conn.sent.Bytes(), []byte(xhttp2.ClientPreface))
		framer := xhttp2.NewFramer(io.Discard, bytes.NewReader(sent))
		for {
			if _, err := framer.ReadFrame(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("a frame that was written can't be read: %v", err)
			}
		}
	})
}

// FuzzReply gives the bytes of an HTTP/1.1 endpoint to a call: what is accepted is the same however it is cut into segments.
func FuzzReply(f *testing.F) {
	for _, text := range []string{
		okReply, smuggledReply, okReply[:30], "HTTP/1.1 103 \r\n\r\n" + okReply, "HTTP/1.0 200 OK\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nA: b\r\n\r\n", "HTTP/1.1 101 S\r\nUpgrade: x\r\n\r\n",
		"HTTP/1.1 304 N\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		whole, _ := fuzzed(t, false, get, []byte(text), false)
		bytewise, _ := fuzzed(t, false, get, []byte(text), true)
		if (whole.err == nil) != (bytewise.err == nil) || whole.err == nil && (whole.status != bytewise.status || whole.body != bytewise.body) {
			t.Errorf("in one segment: %v; byte by byte: %v", whole, bytewise)
		}
		if whole.err == nil && !strings.Contains(text, " ") {
			t.Errorf("got %v", whole)
		}
	})
}
