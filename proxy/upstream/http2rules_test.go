package upstream

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	xhttp2 "golang.org/x/net/http2"

	"github.com/ingress-testbed/testbed/proxy/route"
)

// listenH2C makes a pool of an endpoint that answers one request on each connection at the level of frames, and then reads
// on.
func listenH2C(t testing.TB, answer func(f *framer, s *stream), settings ...xhttp2.Setting) *Pool {
	return listen(t, route.H2C, func(_ int, conn net.Conn) {
		f := newFramer(t, conn, settings...)
		if f == nil {
			return
		}
		if s := f.whole(); s != nil {
			answer(f, s)
			for f.request() != nil {
			}
		}
	})
}

// What is against the rules fails, and nothing of it is taken for a reply.
func TestHTTP2Malformed(t *testing.T) {
	for name, answer := range map[string]func(f *framer, s *stream){
		"no status":             func(f *framer, s *stream) { f.headers(s.id, true, "a", "b") },
		"a bad status":          func(f *framer, s *stream) { f.headers(s.id, true, ":status", "2000") },
		"a status with a sign":  func(f *framer, s *stream) { f.headers(s.id, true, ":status", "+20") },
		"two statuses":          func(f *framer, s *stream) { f.headers(s.id, true, ":status", "200", ":status", "200") },
		"a late status":         func(f *framer, s *stream) { f.headers(s.id, true, "a", "b", ":status", "200") },
		"another pseudo-field":  func(f *framer, s *stream) { f.headers(s.id, true, ":status", "200", ":path", "/") },
		"an upper-case name":    func(f *framer, s *stream) { f.headers(s.id, true, ":status", "200", "Name", "v") },
		"an empty name":         func(f *framer, s *stream) { f.headers(s.id, true, ":status", "200", "", "v") },
		"a space in a name":     func(f *framer, s *stream) { f.headers(s.id, true, ":status", "200", "a b", "v") },
		"a line end in a value": func(f *framer, s *stream) { f.headers(s.id, true, ":status", "200", "a", "b\r\nc: d") },
		"connection":            func(f *framer, s *stream) { f.headers(s.id, true, ":status", "200", "connection", "close") },
		"transfer-encoding":     func(f *framer, s *stream) { f.headers(s.id, true, ":status", "200", "transfer-encoding", "chunked") },
		"two lengths": func(f *framer, s *stream) {
			f.headers(s.id, true, ":status", "200", "content-length", "1", "content-length", "2")
		},
		"101":            func(f *framer, s *stream) { f.headers(s.id, false, ":status", "101") },
		"100 at the end": func(f *framer, s *stream) { f.headers(s.id, true, ":status", "100") },
		"DATA first":     func(f *framer, s *stream) { f.WriteData(s.id, true, []byte("ok")) },
		"a push": func(f *framer, s *stream) {
			f.WritePushPromise(xhttp2.PushPromiseParam{StreamID: s.id, PromiseID: 2, BlockFragment: f.fields(":method", "GET"), EndHeaders: true})
		},
		"a frame in between": func(f *framer, s *stream) {
			f.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: s.id, BlockFragment: f.fields(":status", "200")})
			f.WritePing(true, [8]byte{})
		},
		"a window in between": func(f *framer, s *stream) {
			f.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: s.id, BlockFragment: f.fields(":status", "200"), EndStream: true})
			f.WriteWindowUpdate(s.id, 1)
			f.WriteContinuation(s.id, true, nil)
		},
		"another's CONTINUATION": func(f *framer, s *stream) {
			f.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: s.id, BlockFragment: f.fields(":status", "200")})
			f.WriteContinuation(s.id+2, true, nil)
		},
		"CONTINUATION only": func(f *framer, s *stream) { f.WriteContinuation(s.id, true, f.fields(":status", "200")) },
		"a later stream":    func(f *framer, s *stream) { f.headers(s.id+2, true, ":status", "200") },
		"bad compression": func(f *framer, s *stream) {
			f.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: s.id, BlockFragment: []byte{0x80}, EndHeaders: true, EndStream: true})
		},
		"half a field": func(f *framer, s *stream) {
			f.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: s.id, BlockFragment: []byte{0x88, 0x40, 5, 'a'}, EndHeaders: true, EndStream: true})
		},
		"a large frame":          func(f *framer, s *stream) { f.WriteRawFrame(xhttp2.FrameData, 0, s.id, make([]byte, 16385)) },
		"a window of nothing":    func(f *framer, s *stream) { f.WriteRawFrame(xhttp2.FrameWindowUpdate, 0, 0, make([]byte, 4)) },
		"too much window":        func(f *framer, s *stream) { f.WriteWindowUpdate(0, 1<<31-1) },
		"too much stream window": func(f *framer, s *stream) { f.WriteWindowUpdate(s.id, 1<<31-1) },
		"a bad setting":          func(f *framer, s *stream) { f.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingMaxFrameSize, Val: 1}) },
		"a short PING":           func(f *framer, s *stream) { f.WriteRawFrame(xhttp2.FramePing, 0, 0, make([]byte, 4)) },
		"a short SETTINGS":       func(f *framer, s *stream) { f.WriteRawFrame(xhttp2.FrameSettings, 0, 0, make([]byte, 5)) },
		"padding alone": func(f *framer, s *stream) {
			f.WriteRawFrame(xhttp2.FrameHeaders, xhttp2.FlagHeadersPadded, s.id, []byte{5, 1})
		},
		"a large header": func(f *framer, s *stream) {
			f.headers(s.id, true, ":status", "200", "a", strings.Repeat("x", 15<<10), "b", strings.Repeat("x", 2<<10))
		},
		"too many fields": func(f *framer, s *stream) {
			f.headers(s.id, true, append([]string{":status", "200"}, strings.Split(strings.Repeat("a b ", 65)[:259], " ")...)...)
		},
		"empty CONTINUATIONs": func(f *framer, s *stream) {
			f.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: s.id, BlockFragment: f.fields(":status", "200")})
			flood(func() error { return f.WriteContinuation(s.id, false, nil) })
		},
		"endless interim replies": func(f *framer, s *stream) {
			flood(func() error {
				return f.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: s.id, BlockFragment: f.fields(":status", "103"), EndHeaders: true})
			})
		},
		"the end":               func(f *framer, s *stream) { f.hangUp() },
		"a reset":               func(f *framer, s *stream) { f.WriteRSTStream(s.id, xhttp2.ErrCodeInternal) },
		"a reset without error": func(f *framer, s *stream) { f.WriteRSTStream(s.id, xhttp2.ErrCodeNo) },
	} {
		t.Run(name, func(t *testing.T) {
			pool := listenH2C(t, answer)
			got := do(pool, newCall(t, get))
			var failed *Error
			if !errors.As(got.err, &failed) || !failed.Sent || IsTimeout(got.err) {
				t.Errorf("got %v", got)
			}
		})
	}
}

// flood repeats something until it fails.
func flood(do func() error) {
	for do() == nil {
	}
}

// A body that breaks the rules fails after the header.
func TestHTTP2BadBodies(t *testing.T) {
	for name, answer := range map[string]func(f *framer, s *stream){
		"too long": func(f *framer, s *stream) {
			f.headers(s.id, false, ":status", "200", "content-length", "1")
			f.WriteData(s.id, true, []byte("ok"))
		},
		"too short": func(f *framer, s *stream) {
			f.headers(s.id, false, ":status", "200", "content-length", "3")
			f.WriteData(s.id, true, []byte("ok"))
		},
		"short, with trailers": func(f *framer, s *stream) {
			f.headers(s.id, false, ":status", "200", "content-length", "3")
			f.headers(s.id, true, "a", "b")
		},
		"none of a length":     func(f *framer, s *stream) { f.headers(s.id, true, ":status", "200", "content-length", "3") },
		"trailers in mid-body": func(f *framer, s *stream) { f.headers(s.id, false, ":status", "200"); f.headers(s.id, false, "a", "b") },
		"a status in trailers": func(f *framer, s *stream) {
			f.headers(s.id, false, ":status", "200")
			f.headers(s.id, true, ":status", "200")
		},
		"a reset": func(f *framer, s *stream) {
			f.headers(s.id, false, ":status", "200")
			f.WriteRSTStream(s.id, xhttp2.ErrCodeNo)
		},
		"the end": func(f *framer, s *stream) { f.headers(s.id, false, ":status", "200"); f.hangUp() },
		"a body of 204": func(f *framer, s *stream) {
			f.headers(s.id, false, ":status", "204")
			f.WriteData(s.id, true, []byte("ok"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			pool := listenH2C(t, answer)
			got := do(pool, newCall(t, get))
			if got.err == nil {
				t.Errorf("got %v", got)
			}
			if name == "too long" && got.body != "" {
				t.Errorf("%q was passed on, which is more than the length", got.body)
			}
		})
	}
}

// A later reply is never mixed with frames of an earlier stream.
func TestHTTP2LateFrames(t *testing.T) {
	for name, late := range map[string]func(f *framer, id uint32){
		"data":     func(f *framer, id uint32) { f.WriteData(id, true, []byte("smuggled")) },
		"a header": func(f *framer, id uint32) { f.headers(id, true, ":status", "200") },
		"a later":  func(f *framer, id uint32) { f.headers(id+4, true, ":status", "200") },
	} {
		t.Run(name, func(t *testing.T) {
			pool := listen(t, route.H2C, func(_ int, conn net.Conn) {
				f := newFramer(t, conn)
				for number := 0; ; number++ {
					s := f.whole()
					if s == nil {
						return
					}
					if number > 0 {
						late(f, s.id-2)
					}
					f.headers(s.id, true, ":status", "204")
				}
			})
			if got := do(pool, newCall(t, get)); got.status != 204 {
				t.Fatalf("got %v", got)
			}
			if got := do(pool, newCall(t, get)); got.err == nil {
				t.Errorf("got %v", got)
			}
		})
	}
}

// What is unusual but allowed is understood.
func TestHTTP2Allowed(t *testing.T) {
	for name, answer := range map[string]func(f *framer, s *stream){
		"padding": func(f *framer, s *stream) {
			f.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: s.id, BlockFragment: f.fields(":status", "200"), EndHeaders: true, PadLength: 9})
			f.WriteDataPadded(s.id, false, []byte("o"), make([]byte, 255))
			f.WriteDataPadded(s.id, true, []byte("k"), make([]byte, 7))
		},
		"priority": func(f *framer, s *stream) {
			f.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: s.id, BlockFragment: f.fields(":status", "200"), EndHeaders: true,
				PadLength: 9, Priority: xhttp2.PriorityParam{Weight: 3}})
			f.WritePriority(s.id, xhttp2.PriorityParam{Weight: 3})
			f.WriteData(s.id, true, []byte("ok"))
		},
		"a frame of every byte": func(f *framer, s *stream) {
			block := f.fields(":status", "200", "a", strings.Repeat("b", 100))
			f.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: s.id, BlockFragment: block[:1]})
			for i := range block[1:] {
				f.WriteContinuation(s.id, i == len(block)-2, block[i+1:i+2])
			}
			f.WriteData(s.id, false, []byte("o"))
			f.WriteData(s.id, false, nil)
			f.WriteData(s.id, true, []byte("k"))
		},
		"unknown frames": func(f *framer, s *stream) {
			f.WriteRawFrame(0xbe, 0xff, s.id, make([]byte, 16000))
			f.headers(s.id, false, ":status", "200")
			f.WriteRawFrame(0xbe, 0xff, 0, nil)
			f.WriteData(s.id, true, []byte("ok"))
		},
		"settings again": func(f *framer, s *stream) {
			f.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 0}, xhttp2.Setting{ID: 0xbe, Val: 1})
			f.headers(s.id, false, ":status", "200")
			f.WriteData(s.id, true, []byte("ok"))
		},
		"GOAWAY for later streams": func(f *framer, s *stream) {
			f.WriteGoAway(s.id, xhttp2.ErrCodeNo, []byte("going"))
			f.headers(s.id, false, ":status", "200")
			f.WriteData(s.id, true, []byte("ok"))
		},
		"interim replies": func(f *framer, s *stream) {
			f.headers(s.id, false, ":status", "103", "link", "</a>", "content-length", "7")
			f.headers(s.id, false, ":status", "200", "content-length", "2")
			f.WriteData(s.id, true, []byte("ok"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			pool := listenH2C(t, answer)
			call := newCall(t, get)
			if got := do(pool, call); got.err != nil || got.status != 200 || got.body != "ok" {
				t.Errorf("got %v", got)
			}
			interim := call.Client.(*testClient).interim
			if want := "103 link: </a>\r\n"; name == "interim replies" && (len(interim) != 1 || interim[0] != want) {
				t.Errorf("the client got %q, want %q", interim, want)
			}
		})
	}
}

// Heads of replies are passed on as they are: no length is invented.
func TestHTTP2Heads(t *testing.T) {
	for _, c := range []struct {
		fields  []string
		ends    bool
		method  string
		want    string
		hasBody bool
	}{
		{[]string{":status", "304", "etag", `"x"`}, true, "GET", "etag: \"x\"\r\n", false},
		{[]string{":status", "304", "content-length", "9"}, true, "GET", "content-length: 9\r\n", false},
		{[]string{":status", "204"}, true, "GET", "", false},
		{[]string{":status", "204", "content-length", "0"}, true, "GET", "", false},
		{[]string{":status", "200", "grpc-status", "12"}, true, "POST", "grpc-status: 12\r\n", false},
		{[]string{":status", "200", "content-length", "9"}, true, "HEAD", "content-length: 9\r\n", false},
		{[]string{":status", "200"}, false, "GET", "", true},
		{[]string{":status", "200", "content-length", "0", "trailer", "t"}, false, "GET", "trailer: t\r\n", true},
	} {
		pool := listenH2C(t, func(f *framer, s *stream) {
			f.headers(s.id, c.ends, c.fields...)
			if !c.ends {
				f.WriteData(s.id, true, nil)
			}
		})
		call := newCall(t, c.method+" / HTTP/1.1\r\nHost: h\r\n\r\n")
		reply, err := pool.RoundTrip(call, time.Now())
		if err != nil {
			t.Errorf("%q: %v", c.fields, err)
			continue
		}
		if got := string(reply.Header().AppendForwarded(nil)); got != c.want {
			t.Errorf("%q: got %q", c.fields, got)
		}
		if got := reply.Header().HasBody(call.Request.Method); got != c.hasBody {
			t.Errorf("%q: has a body: %t", c.fields, got)
		}
		if _, err := reply.Next(); !errors.Is(err, io.EOF) {
			t.Errorf("%q: %v", c.fields, err)
		}
		if err := reply.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Requests have what HTTP/2 and gRPC want.
func TestHTTP2Requests(t *testing.T) {
	for request, want := range map[string]map[string]string{
		"GET /a?b=c HTTP/1.1\r\nHost: h\r\nTE: trailers\r\nConnection: te, x\r\nX: y\r\nCookie: a=b\r\nUser-Agent: me\r\n\r\n": {
			":method": "GET", ":scheme": "http", ":path": "/a?b=c", ":authority": "h", "te": "trailers", "cookie": "a=b",
			"user-agent": "me", "x-own": "1"},
		"PATCH /? HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\nx": {
			":method": "PATCH", ":scheme": "http", ":path": "/?", ":authority": "h", "content-length": "1",
			"expect": "100-continue", "x-own": "1"},
		"GET / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n": {
			":method": "GET", ":scheme": "http", ":path": "/", ":authority": "h", "x-own": "1"},
		"GET / HTTP/1.1\r\nHost: h\r\nLong: " + strings.Repeat("x", 40000) + "\r\n\r\n": {
			":method": "GET", ":scheme": "http", ":path": "/", ":authority": "h", "x-own": "1",
			"long": strings.Repeat("x", 40000)},
	} {
		seen := make(chan map[string]string, 1)
		pool := listen(t, route.H2C, func(_ int, conn net.Conn) {
			f := newFramer(t, conn)
			f.ReadMetaHeaders, f.MaxHeaderListSize = f.decoder, 1<<20
			for {
				frame, err := f.ReadFrame()
				if err != nil {
					return
				}
				if h, is := frame.(*xhttp2.MetaHeadersFrame); is {
					got := make(map[string]string)
					for _, field := range h.Fields {
						got[field.Name] = field.Value
					}
					seen <- got
					f.headers(h.StreamID, true, ":status", "204")
				}
			}
		})
		call := newCall(t, request)
		call.Lines = []byte("X-Own: 1\r\n")
		if result := do(pool, call); result.err != nil {
			t.Fatalf("%.80q: %v", request, result.err)
		}
		got := <-seen
		if len(got) != len(want) {
			t.Errorf("%.80q: got %.300q", request, got)
		}
		for name, value := range want {
			if got[name] != value {
				t.Errorf("%.80q: %s is %.80q", request, name, got[name])
			}
		}
	}
}

// The endpoint's windows and frame size are respected.
func TestHTTP2Windows(t *testing.T) {
	pool := listen(t, route.H2C, func(_ int, conn net.Conn) {
		f := newFramer(t, conn, xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 10})
		f.WriteSettingsAck()
		for {
			s := f.request()
			if s == nil {
				return
			}
			window := 65535 // what a client may send before it has read the settings
			if s.id > 1 {
				window = 10
			}
			for !s.ended {
				frame, err := f.ReadFrame()
				if err != nil {
					return
				}
				data, is := frame.(*xhttp2.DataFrame)
				if !is {
					continue
				}
				if window -= len(data.Data()); window < 0 {
					t.Error("more was sent than the window allows")
				}
				s.body, s.ended = append(s.body, data.Data()...), data.StreamEnded()
				if n := uint32(len(data.Data())); n > 0 {
					f.WriteWindowUpdate(0, n)
					f.WriteWindowUpdate(s.id, n)
					window += int(n)
				}
			}
			f.headers(s.id, false, ":status", "200")
			f.WriteData(s.id, true, s.body)
		}
	})
	for _, size := range []int{10, 10000, 1000, 11, 10000} {
		text := strings.Repeat("x", size)
		call := newCall(t, fmt.Sprintf("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", size))
		body := &testBody{pieces: make(chan []byte, 1), client: call.Client.(*testClient)}
		body.pieces <- []byte(text)
		close(body.pieces)
		call.Body = body
		if got := do(pool, call); got.err != nil || got.body != text {
			t.Errorf("got %d bytes, %v", len(got.body), got.err)
		}
	}
}

// Trailers are passed on in both directions, those that must not be are not.
func TestHTTP2Trailers(t *testing.T) {
	seen := make(chan map[string]string, 1)
	pool := listen(t, route.H2C, func(_ int, conn net.Conn) {
		f := newFramer(t, conn)
		s := f.request()
		for frame, err := f.ReadFrame(); err == nil; frame, err = f.ReadFrame() {
			if h, is := frame.(*xhttp2.HeadersFrame); is {
				seen <- f.decode(h.HeaderBlockFragment())
				f.headers(s.id, false, ":status", "200")
				f.WriteData(s.id, false, []byte("ok"))
				f.headers(s.id, true, "grpc-status", "0", "grpc-message", "")
			}
		}
	})
	got := do(pool, newCall(t, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nA: b\r\nContent-Length: 1\r\n\r\n"))
	if got.err != nil || len(got.trailers) != 2 || string(got.trailers[0].Name) != "grpc-status" || string(got.trailers[0].Value) != "0" {
		t.Errorf("got %v", got)
	}
	if sent := <-seen; len(sent) != 1 || sent["a"] != "b" {
		t.Errorf("the endpoint got %v", sent)
	}
}
