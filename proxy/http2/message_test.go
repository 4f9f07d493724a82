package http2

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	xhttp2 "golang.org/x/net/http2"

	"github.com/ingress-testbed/testbed/proxy/message"
)

func fields(t *testing.T, lines string) []message.Field {
	t.Helper()
	parsed, err := message.ParseFields(nil, []byte(lines), 100)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func response(t *testing.T, head string) *message.Response {
	t.Helper()
	r := new(message.Response)
	if err := r.Parse([]byte(strings.ReplaceAll(head, "\n", "\r\n")), 100); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestReplies checks how replies are framed (RFC 9110 sections 6.4, 8.6 and 15.2; RFC 9113 section 8.1).
func TestReplies(t *testing.T) {
	content := func(s *Stream) error { return errors.Join(s.WriteData([]byte("hello")), s.End(nil)) }
	for name, test := range map[string]struct {
		method string
		reply  func(t *testing.T, s *Stream) error
		want   []string
	}{
		"content": {"GET", func(t *testing.T, s *Stream) error {
			r := response(t, "HTTP/1.1 200 OK\nContent-Length: 5\nETag: e\nConnection: x-hop\nX-Hop: 1\nKeep-Alive: 1\n\n")
			return errors.Join(s.WriteHeader(200, r, nil, false), content(s))
		}, []string{"HEADERS(1) status=200 content-length=5 etag=e", "DATA(1) 5 end"}},
		"the proxy's own": {"GET", func(t *testing.T, s *Stream) error {
			extra := []byte("Date: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 5\r\n")
			return errors.Join(s.WriteHeader(404, nil, extra, false), content(s))
		}, []string{"HEADERS(1) status=404 date=Thu, 01 Jan 1970 00:00:00 GMT content-length=5", "DATA(1) 5 end"}},
		"own security policy": {"GET", func(t *testing.T, s *Stream) error {
			r := response(t, "HTTP/1.1 200 OK\nStrict-Transport-Security: theirs\n\n")
			r.Remove(message.StrictTransportSecurity)
			return s.WriteHeader(200, r, []byte("Strict-Transport-Security: ours\r\n"), true)
		}, []string{"HEADERS(1) status=200 strict-transport-security=ours end"}},
		"HEAD": {"HEAD", func(t *testing.T, s *Stream) error {
			return s.WriteHeader(200, response(t, "HTTP/1.1 200 OK\nContent-Length: 5\n\n"), nil, true)
		}, []string{"HEADERS(1) status=200 content-length=5 end"}},
		"HEAD with content": {"HEAD", func(t *testing.T, s *Stream) error {
			r := response(t, "HTTP/1.1 200 OK\nContent-Length: 5\n\n")
			return errors.Join(s.WriteHeader(200, r, nil, false), content(s))
		}, []string{"HEADERS(1) status=200 content-length=5 end"}},
		"304": {"GET", func(t *testing.T, s *Stream) error {
			r := response(t, "HTTP/1.1 304 Not Modified\nContent-Length: 5\n\n")
			return errors.Join(s.WriteHeader(304, r, nil, false), content(s))
		}, []string{"HEADERS(1) status=304 content-length=5 end"}},
		"304 without a length": {"GET", func(t *testing.T, s *Stream) error {
			return s.WriteHeader(304, response(t, "HTTP/1.1 304 Not Modified\nETag: e\n\n"), nil, true)
		}, []string{"HEADERS(1) status=304 etag=e end"}},
		"204": {"GET", func(t *testing.T, s *Stream) error {
			r := response(t, "HTTP/1.1 204 No Content\nContent-Length: 5\nETag: e\n\n")
			return errors.Join(s.WriteHeader(204, r, []byte("content-length: 0\r\nx: 1\r\n"), false), content(s))
		}, []string{"HEADERS(1) status=204 etag=e x=1 end"}},
		"interim": {"GET", func(t *testing.T, s *Stream) error {
			r := response(t, "HTTP/1.1 103 Early Hints\nContent-Length: 7\nLink: </a>\n\n")
			return errors.Join(s.WriteHeader(103, r, nil, true), s.WriteHeader(200, nil, nil, false), content(s))
		}, []string{"HEADERS(1) status=103 link=</a>", "HEADERS(1) status=200", "DATA(1) 5 end"}},
		"interim, HEAD": {"HEAD", func(t *testing.T, s *Stream) error {
			return errors.Join(s.WriteHeader(100, nil, nil, false), s.WriteHeader(200, nil, nil, true))
		}, []string{"HEADERS(1) status=100", "HEADERS(1) status=200 end"}},
		"trailers only": {"GET", func(t *testing.T, s *Stream) error {
			return s.WriteHeader(200, response(t, "HTTP/1.1 200 OK\nGrpc-Status: 5\n\n"), nil, true)
		}, []string{"HEADERS(1) status=200 grpc-status=5 end"}},
		"trailers": {"GET", func(t *testing.T, s *Stream) error {
			return errors.Join(s.WriteHeader(200, nil, nil, false), s.WriteData([]byte("hello")),
				s.End(fields(t, "Grpc-Status: 0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n")))
		}, []string{"HEADERS(1) status=200", "DATA(1) 5", "HEADERS(1) grpc-status=0 end"}},
		"trailers that are not allowed": {"GET", func(t *testing.T, s *Stream) error {
			return errors.Join(s.WriteHeader(200, nil, nil, false), s.End(fields(t, "Host: h\r\n")))
		}, []string{"HEADERS(1) status=200", "DATA(1) 0 end"}},
		"trailers, HEAD": {"HEAD", func(t *testing.T, s *Stream) error {
			return errors.Join(s.WriteHeader(200, nil, nil, false), s.End(fields(t, "Grpc-Status: 0\r\n")))
		}, []string{"HEADERS(1) status=200 end"}},
		"switching protocols": {"GET", func(t *testing.T, s *Stream) error {
			if s.WriteHeader(101, nil, nil, false) == nil {
				return errors.New("101 was accepted")
			}
			s.Abort()
			return nil
		}, []string{"RST_STREAM(1) INTERNAL_ERROR"}},
		"two headers": {"GET", func(t *testing.T, s *Stream) error {
			err := s.WriteHeader(200, nil, nil, false)
			for _, status := range []int{103, 200} {
				if s.WriteHeader(status, nil, nil, false) == nil {
					return fmt.Errorf("%d was accepted after the header", status)
				}
			}
			return errors.Join(err, content(s))
		}, []string{"HEADERS(1) status=200", "DATA(1) 5 end"}},
		"content before the header": {"GET", func(t *testing.T, s *Stream) error {
			if content(s) == nil {
				return errors.New("it was accepted")
			}
			return s.WriteHeader(200, nil, nil, true)
		}, []string{"HEADERS(1) status=200 end"}},
		"nothing": {"GET", func(*testing.T, *Stream) error { return nil }, []string{"RST_STREAM(1) INTERNAL_ERROR"}},
		"incomplete": {"GET", func(t *testing.T, s *Stream) error {
			return errors.Join(s.WriteHeader(200, nil, nil, false), s.WriteData([]byte("hello")), s.Flush())
		}, []string{"HEADERS(1) status=200", "DATA(1) 5", "RST_STREAM(1) INTERNAL_ERROR"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := connect(t, testOptions(), func(s *Stream) {
					if err := test.reply(t, s); err != nil {
						t.Error(err)
					}
				})
				c.headers(1, true, request(test.method)...)
				c.expect(test.want...)
			})
		})
	}
}

// TestLargeReplyHeader checks that it is cut into frames that the client accepts.
func TestLargeReplyHeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := connect(t, testOptions(), func(s *Stream) {
			s.WriteHeader(200, nil, []byte("X-Large: "+strings.Repeat("x", 40000)+"\r\n"), true)
		})
		c.get(1)
		synctest.Wait()
		data, _ := c.conn.in.take()
		framer := xhttp2.NewFramer(nil, strings.NewReader(string(data)))
		var sizes []uint32
		var block []byte
		for {
			frame, err := framer.ReadFrame()
			if err != nil {
				break
			}
			sizes = append(sizes, frame.Header().Length)
			switch f := frame.(type) {
			case *xhttp2.HeadersFrame:
				block = append(block, f.HeaderBlockFragment()...)
				if !f.StreamEnded() {
					t.Error("HEADERS does not end the stream")
				}
			case *xhttp2.ContinuationFrame:
				block = append(block, f.HeaderBlockFragment()...)
			}
		}
		got, err := c.decoder.DecodeFull(block)
		if err != nil || len(got) != 2 || len(got[1].Value) != 40000 || len(sizes) != 3 || sizes[0] != 16384 {
			t.Errorf("got frames of %v bytes, %d fields, %v", sizes, len(got), err)
		}
	})
}

// TestLargeRequestHeader checks that a header above the limit is answered, whatever makes it large, and that the decoder
// still knows what it has added to the dynamic table.
func TestLargeRequestHeader(t *testing.T) {
	for name, large := range map[string][]string{
		"a field":         {"x-large", strings.Repeat("x", 33<<10)},
		"a larger field":  {"x-large", strings.Repeat("~", 100<<10)}, // which is 13 bits each in Huffman's code, or plain
		"a field name":    {strings.Repeat("x", 33<<10), "1"},
		"several fields":  {"x-a", strings.Repeat("x", 20<<10), "x-b", strings.Repeat("x", 20<<10)},
		"a compressed":    {"x-large", strings.Repeat("a", 60<<10)},
		"several cookies": {"cookie", strings.Repeat("x", 20<<10), "cookie", strings.Repeat("x", 20<<10)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := connect(t, testOptions(), func(s *Stream) {
					status := 200
					if s.Refused != nil {
						status = s.Refused.Status
					}
					s.WriteHeader(status, nil, fmt.Appendf(nil, "X-Fields: %d\r\n", len(s.Request.Fields)), false)
					s.WriteData([]byte("x"))
					s.End(nil)
				})
				for i, method := range []string{"GET", "HEAD"} {
					id := uint32(1 + 4*i)
					block := c.encode(append(request(method, large...), "x-indexed", "1")...)
					n := min(len(block), 16<<10)
					c.WriteHeaders(xhttp2.HeadersFrameParam{
						StreamID: id, EndStream: true, EndHeaders: n == len(block), BlockFragment: block[:n],
					})
					for rest := block[n:]; len(rest) > 0; rest = rest[n:] {
						n = min(len(rest), 16<<10)
						c.WriteContinuation(id, n == len(rest), rest[:n])
					}
					reply := []string{fmt.Sprintf("HEADERS(%d) status=431 x-fields=0", id), fmt.Sprintf("DATA(%d) 1 end", id)}
					if method == "HEAD" {
						reply = []string{reply[0] + " end"}
					}
					c.expect(reply...)
					c.headers(id+2, true, request("GET", "x-indexed", "1")...)
					c.expect(fmt.Sprintf("HEADERS(%d) status=200 x-fields=1", id+2), fmt.Sprintf("DATA(%d) 1 end", id+2))
				}
			})
		})
	}
}

// TestLargeTrailers checks that they reset the stream, and nothing more.
func TestLargeTrailers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		options := testOptions()
		options.Reading.Bytes = 4 << 10
		c := connect(t, options, func(s *Stream) {
			if s.Request.Length != 0 {
				untilGone(func(*Stream) {})(s)
				return
			}
			ok(s)
		})
		c.post(1)
		c.headers(1, true, "x-large", strings.Repeat("x", 5<<10))
		c.expect("RST_STREAM(1) PROTOCOL_ERROR")
		c.expectAlive(3)
	})
}

// TestHeaderBlockThatIsMuchTooLarge checks that what is kept of it is bounded.
func TestHeaderBlockThatIsMuchTooLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := connect(t, testOptions(), ok)
		c.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: 1, BlockFragment: make([]byte, 16<<10)})
		for range 8 {
			c.WriteContinuation(1, false, make([]byte, 16<<10))
		}
		c.expectGoAway(xhttp2.ErrCodeEnhanceYourCalm)
	})
}

func TestInvalidFrames(t *testing.T) {
	for name, test := range map[string]struct {
		kind    xhttp2.FrameType
		flags   xhttp2.Flags
		stream  uint32
		payload []byte
		want    xhttp2.ErrCode
	}{
		"DATA without the length of its padding":    {xhttp2.FrameData, xhttp2.FlagDataPadded, 1, nil, xhttp2.ErrCodeFrameSize},
		"DATA with too much padding":                {xhttp2.FrameData, xhttp2.FlagDataPadded, 1, []byte{2, 0}, xhttp2.ErrCodeProtocol},
		"DATA of the connection":                    {xhttp2.FrameData, 0, 0, []byte{0}, xhttp2.ErrCodeProtocol},
		"DATA that is too large":                    {xhttp2.FrameData, 0, 1, make([]byte, 16<<10+1), xhttp2.ErrCodeFrameSize},
		"HEADERS without the length of its padding": {xhttp2.FrameHeaders, xhttp2.FlagHeadersPadded, 3, nil, xhttp2.ErrCodeFrameSize},
		"HEADERS without its priority":              {xhttp2.FrameHeaders, xhttp2.FlagHeadersPriority, 3, nil, xhttp2.ErrCodeFrameSize},
		"CONTINUATION without HEADERS":              {xhttp2.FrameContinuation, 0, 1, nil, xhttp2.ErrCodeProtocol},
		"PUSH_PROMISE":                              {xhttp2.FramePushPromise, 0, 1, make([]byte, 4), xhttp2.ErrCodeProtocol},
		"an invalid header block":                   {xhttp2.FrameHeaders, xhttp2.FlagHeadersEndHeaders, 3, []byte{0xff}, xhttp2.ErrCodeCompression},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := connect(t, testOptions(), untilGone(func(*Stream) {}))
				c.post(1)
				c.WriteRawFrame(test.kind, test.flags, test.stream, test.payload)
				c.expectGoAway(test.want)
			})
		})
	}
}
