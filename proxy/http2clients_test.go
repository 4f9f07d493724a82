package proxy_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// TestStreamsAboveGoAwayDoNotEndRunningRequests stops the proxy while a request runs. What a client then sends of
// requests that were on their way is discarded (RFC 9113 section 6.8). The first GOAWAY excludes no stream, the second
// names the last.
func TestStreamsAboveGoAwayDoNotEndRunningRequests(t *testing.T) {
	for name, late := range map[string]func(f *frames){
		"DATA":          func(f *frames) { f.WriteData(3, true, []byte("x")) },
		"RST_STREAM":    func(f *frames) { f.WriteRSTStream(3, http2.ErrCodeCancel) },
		"WINDOW_UPDATE": func(f *frames) { f.WriteWindowUpdate(3, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			arrived, finish := make(chan struct{}), make(chan struct{})
			table := toAll(upstream("u", backend(t, func(w http.ResponseWriter, r *http.Request) {
				arrived <- struct{}{}
				<-finish
				io.WriteString(w, "done")
			})))
			s, stop, ended := start(t, proxy.Config{}, table, listen(t), nil)
			f := s.frames(t)
			f.get(1)
			<-arrived
			stop()
			var last []uint32
			if err := f.await(func(frame http2.Frame) bool {
				switch frame := frame.(type) {
				case *http2.PingFrame:
					f.WritePing(true, frame.Data)
				case *http2.GoAwayFrame:
					last = append(last, frame.LastStreamID)
				}
				return len(last) == 2
			}); err != nil || last[0] != 1<<31-1 || last[1] != 1 {
				t.Fatalf("got GOAWAY for %d, %v", last, err)
			}
			f.WriteHeaders(http2.HeadersFrameParam{StreamID: 3, EndHeaders: true, BlockFragment: f.post()})
			late(f)
			f.WritePing(false, [8]byte{1}) // when it is answered, the frames before were read
			if err := f.await(func(frame http2.Frame) bool { return f.isPong(frame) }); err != nil {
				t.Fatal(err)
			}
			close(finish)
			if err := f.awaitEnd(1); err != nil {
				t.Errorf("the running request was cut off: %v", err)
			}
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}

// post encodes the header of a POST.
func (f *frames) post() []byte {
	return f.request(":method", "POST", ":scheme", "http", ":path", "/", ":authority", "h")
}

// isPong reports whether a frame answers a PING, and fails the test if the connection ends instead.
func (f *frames) isPong(frame http2.Frame) bool {
	f.t.Helper()
	if goAway, is := frame.(*http2.GoAwayFrame); is && goAway.ErrCode != http2.ErrCodeNo {
		f.t.Errorf("the connection was ended: %v", goAway)
	}
	ping, is := frame.(*http2.PingFrame)
	return is && ping.IsAck()
}

// TestDataAfterAnEarlyReplyHarmsNoOtherRequest has a client that goes on with the body of a request which was answered
// already: it can't know that yet (RFC 9113 sections 5.1 and 8.1).
func TestDataAfterAnEarlyReplyHarmsNoOtherRequest(t *testing.T) {
	arrived, finish := make(chan struct{}), make(chan struct{})
	table := toAll(upstream("u", backend(t, func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		<-finish
	})))
	table.Hosts[0].Routes = []route.Route{{Match: route.PrefixPath("/running"), Action: route.To("u")}}
	f := serve(t, proxy.Config{}, table).frames(t)
	f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndHeaders: true, EndStream: true,
		BlockFragment: f.request(":method", "GET", ":scheme", "http", ":path", "/running", ":authority", "h")})
	<-arrived
	f.WriteHeaders(http2.HeadersFrameParam{StreamID: 3, EndHeaders: true,
		BlockFragment: f.request(":method", "POST", ":scheme", "http", ":path", "/none", ":authority", "h")})
	if status, err := f.awaitStatus(3); status != "404" {
		t.Fatalf("got %q, %v", status, err)
	}
	if err := f.await(func(frame http2.Frame) bool {
		reset, is := frame.(*http2.RSTStreamFrame)
		return is && reset.StreamID == 3 && reset.ErrCode == http2.ErrCodeNo
	}); err != nil {
		t.Fatal(err)
	}
	for range 257 {
		f.WriteData(3, false, []byte("x"))
	}
	f.WritePing(false, [8]byte{1})
	if err := f.await(func(frame http2.Frame) bool {
		if reset, is := frame.(*http2.RSTStreamFrame); is {
			t.Errorf("got %v", reset)
		}
		return f.isPong(frame)
	}); err != nil {
		t.Fatal(err)
	}
	close(finish)
	if status, err := f.awaitStatus(1); status != "200" {
		t.Errorf("the other request got %q, %v", status, err)
	}
}

// TestManyCancelledWatches has a client that cancels one reply after the other once it has begun, as watches and event
// streams are.
func TestManyCancelledWatches(t *testing.T) {
	for _, protocol := range endpointProtocols() {
		watch := func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "x")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}
		table := toAll(upstream("u", backend(t, watch)))
		if protocol == route.H2C {
			table = h2c(t, watch)
		}
		f := serve(t, proxy.Config{}, table).frames(t)
		for i := range uint32(300) {
			stream := 2*i + 1
			f.get(stream)
			if err := f.await(func(frame http2.Frame) bool {
				return frame.Header().StreamID == stream && frame.Header().Type == http2.FrameData
			}); err != nil {
				t.Fatalf("%s: watch %d: %v", protocol, i, err)
			}
			f.WriteRSTStream(stream, http2.ErrCodeCancel)
		}
	}
}

// TestSmallHPACKTableIsConfirmed has clients that reduce the size of their dynamic table: the next header block must
// begin with the update of that size (RFC 9113 section 4.3.1, RFC 7541 section 4.2).
func TestSmallHPACKTableIsConfirmed(t *testing.T) {
	for _, size := range []uint32{0, 100} {
		f := one(t, proxy.Config{}, named("x")).frames(t)
		f.WriteSettings(http2.Setting{ID: http2.SettingHeaderTableSize, Val: size})
		for acks := 0; acks < 2; { // the first answers the settings of the preface
			if err := f.await(func(frame http2.Frame) bool {
				settings, is := frame.(*http2.SettingsFrame)
				return is && settings.IsAck()
			}); err != nil {
				t.Fatal(err)
			}
			acks++
		}
		f.ReadMetaHeaders = nil
		f.get(1)
		var block []byte
		if err := f.await(func(frame http2.Frame) bool {
			headers, is := frame.(*http2.HeadersFrame)
			if is {
				block = bytes.Clone(headers.HeaderBlockFragment())
			}
			return is
		}); err != nil {
			t.Fatal(err)
		}
		if block[0] != 0x20 { // the proxy has no dynamic table
			t.Errorf("size %d: the block begins with %#x, want the update to 0", size, block[0])
		}
	}
}

// TestLargeFieldOverHTTP2IsRefusedAlone has a field value that is too large: only its request is refused.
func TestLargeFieldOverHTTP2IsRefusedAlone(t *testing.T) {
	f := one(t, proxy.Config{}, named("x")).frames(t)
	for i, size := range []int{33 << 10, 70 << 10} {
		stream := uint32(4*i + 1)
		f.headers(stream, ":method", "GET", ":scheme", "http", ":path", "/", ":authority", "h", "x-large", strings.Repeat("x", size))
		if status, err := f.awaitStatus(stream); status != "431" {
			t.Fatalf("%d bytes: got %q, %v", size, status, err)
		}
		f.get(stream + 2)
		if status, err := f.awaitStatus(stream + 2); status != "200" {
			t.Fatalf("the next request got %q, %v", status, err)
		}
	}
}

// TestFloodsOfSmallFramesEndTheConnection has clients that send what costs the proxy more than them, and read all
// replies (CVE-2019-9512, -9515 and -9518).
func TestFloodsOfSmallFramesEndTheConnection(t *testing.T) {
	for name, write := range map[string]func(f *frames) error{
		"SETTINGS":      func(f *frames) error { return f.WriteSettings() },
		"PING":          func(f *frames) error { return f.WritePing(false, [8]byte{}) },
		"empty DATA":    func(f *frames) error { return f.WriteData(1, false, nil) },
		"PRIORITY":      func(f *frames) error { return f.WritePriority(1, http2.PriorityParam{StreamDep: 3}) },
		"WINDOW_UPDATE": func(f *frames) error { return f.WriteWindowUpdate(0, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			f := one(t, proxy.Config{}, echoBody).frames(t)
			f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndHeaders: true, BlockFragment: f.post()})
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				for write(f) == nil {
				}
			}()
			f.awaitGoAway(http2.ErrCodeEnhanceYourCalm)
			f.Close()
			<-ended
		})
	}
}

// TestWindowOpenedByteByByteEndsTheReply has a client that accepts a byte of its reply now and then (CVE-2019-9511).
func TestWindowOpenedByteByByteEndsTheReply(t *testing.T) {
	inFakeTime(t, func(b bubble) {
		failed := make(chan struct{})
		s := b.serve(proxy.Config{Timeouts: proxy.Timeouts{Body: time.Minute}},
			b.table(route.HTTP1, func(w http.ResponseWriter, r *http.Request) {
				defer close(failed)
				for {
					if _, err := io.CopyN(w, zeros{}, 64<<10); err != nil {
						return
					}
				}
			}))
		f := b.frames(s)
		started := time.Now()
		f.get(1)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			f.await(func(http2.Frame) bool { return false })
		}()
		for isOver := false; !isOver; {
			select {
			case <-failed:
				isOver = true
			case <-time.After(100 * time.Millisecond):
				f.WriteWindowUpdate(0, 1)
				f.WriteWindowUpdate(1, 1)
			}
		}
		if took := time.Since(started); took < time.Minute || took > 2*time.Minute {
			b.Errorf("took %v", took)
		}
		f.Close()
		<-ended
	})
}

// TestHalfClosedHTTP2ConnectionIsServed has a client that ends its sending side after its request, as over HTTP/1.1.
func TestHalfClosedHTTP2ConnectionIsServed(t *testing.T) {
	inFakeTime(t, func(b bubble) {
		arrived := make(chan struct{})
		f := b.frames(b.serve(proxy.Config{}, b.table(route.HTTP1, func(w http.ResponseWriter, r *http.Request) {
			close(arrived)
			time.Sleep(time.Second) // the proxy has seen the end
			io.WriteString(w, "reply")
		})))
		f.get(1)
		<-arrived
		f.Conn.(interface{ CloseWrite() error }).CloseWrite()
		if status, err := f.awaitStatus(1); status != "200" {
			b.Errorf("got %q, %v", status, err)
		}
		if err := f.awaitEnd(1); err != nil {
			b.Error(err)
		}
	})
}

// TestPrefaceInTheMiddleOfAConnectionIsRefused has the preface of HTTP/2 where it is none (RFC 9113 section 3.3).
func TestPrefaceInTheMiddleOfAConnectionIsRefused(t *testing.T) {
	c := one(t, proxy.Config{}, named("x")).dial(t)
	c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	expect(t, c, "GET", http.StatusOK)
	if reply, _ := c.reply("PRI"); reply.StatusCode != http.StatusHTTPVersionNotSupported || !reply.Close {
		t.Errorf("got %v", reply)
	}
	c.ended()
}

// TestRequestsOverHTTP2AreJudgedLikeOverHTTP1 has requests that are refused over HTTP/1.1, or not, in the other protocol.
// The endpoint would refuse none of them.
func TestRequestsOverHTTP2AreJudgedLikeOverHTTP1(t *testing.T) {
	f := serve(t, proxy.Config{}, toAll(upstream("u", scripted(t, func(conn net.Conn, in *bufio.Reader) {
		for readHead(in) != "" {
			io.WriteString(conn, okReply)
		}
	})))).frames(t)
	stream := uint32(1)
	for _, c := range []struct{ method, scheme, authority, name, value, want string }{
		{"GET", "http", "h", "expect", "a-pony", "417"},
		{"GET", "http", "h", "expect", "100-continue, 100-continue", "200"},
		{"CONNECT", "http", "h:443", "x", "", "405"},
		{"TRACE", "http", "h", "x", "", "405"},
		{"GET", "https", "h", "x", "", "200"},
		{"GET", "", "h", "x", "", "reset"},
		{"GET", "http://evil/?", "h", "x", "", "reset"},
		{"GET", "ftp", "h", "x", "", "reset"},
		{"GET", "http", "", "x", "", "400"},
		{"GET", "http", "[]", "x", "", "400"},
		{"GET", "http", "u@h", "x", "", "400"},
	} {
		fields := []string{":method", c.method}
		if c.method != "CONNECT" {
			fields = append(fields, ":scheme", c.scheme, ":path", "/")
		}
		if c.authority != "" {
			fields = append(fields, ":authority", c.authority)
		}
		fields = append(fields, c.name, c.value)
		f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, EndStream: true, EndHeaders: true, BlockFragment: f.request(fields...)})
		got, allow := "", ""
		err := f.await(func(frame http2.Frame) bool {
			switch frame := frame.(type) {
			case *http2.MetaHeadersFrame:
				got = frame.PseudoValue("status")
				for _, field := range frame.Fields {
					if field.Name == "allow" {
						allow = field.Value
					}
				}
			case *http2.RSTStreamFrame:
				got = "reset"
			}
			return got != ""
		})
		if err != nil || got != c.want || (allow != "") != (got == "405") {
			t.Errorf("%q: got %q, Allow %q, %v, want %q", fields, got, allow, err, c.want)
		}
		stream += 2
	}
}
