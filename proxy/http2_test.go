package proxy_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/ingress-testbed/testbed/proxy"
)

// frames is a client of HTTP/2 that writes the frames it likes.
type frames struct {
	net.Conn
	*http2.Framer
	t       testing.TB
	block   bytes.Buffer
	encoder *hpack.Encoder
}

func (s served) frames(t testing.TB) *frames {
	t.Helper()
	conn := s.connect(t, s.plain)
	f := &frames{Conn: conn, Framer: http2.NewFramer(conn, conn), t: t}
	f.encoder = hpack.NewEncoder(&f.block)
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	io.WriteString(conn, http2.ClientPreface)
	f.WriteSettings()
	return f
}

// request encodes a header.
func (f *frames) request(fields ...string) []byte {
	f.block.Reset()
	for i := 0; i < len(fields); i += 2 {
		f.encoder.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	return f.block.Bytes()
}

// headers sends a request without a body, in as many frames as it needs.
func (f *frames) headers(stream uint32, fields ...string) {
	block := f.request(fields...)
	n := min(len(block), 16<<10)
	f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, EndStream: true, EndHeaders: n == len(block), BlockFragment: block[:n]})
	for block = block[n:]; len(block) > 0; block = block[n:] {
		n = min(len(block), 16<<10)
		f.WriteContinuation(stream, n == len(block), block[:n])
	}
}

func (f *frames) get(stream uint32) error {
	return f.WriteHeaders(http2.HeadersFrameParam{
		StreamID: stream, EndStream: true, EndHeaders: true,
		BlockFragment: f.request(":method", "GET", ":scheme", "http", ":path", "/", ":authority", "h"),
	})
}

// await reads frames until one satisfies, or the connection ends.
func (f *frames) await(satisfies func(http2.Frame) bool) error {
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			return err
		}
		if satisfies(frame) {
			return nil
		}
	}
}

// awaitEnd reads frames until the reply on a stream has ended.
func (f *frames) awaitEnd(stream uint32) error {
	return f.await(func(frame http2.Frame) bool {
		header := frame.Header()
		return header.StreamID == stream && header.Flags.Has(http2.FlagDataEndStream) &&
			(header.Type == http2.FrameHeaders || header.Type == http2.FrameData)
	})
}

// awaitStatus reads frames until the final header of a stream's reply, and returns its status.
func (f *frames) awaitStatus(stream uint32) (status string, err error) {
	err = f.await(func(frame http2.Frame) bool {
		headers, is := frame.(*http2.MetaHeadersFrame)
		if is && headers.StreamID == stream {
			status = headers.PseudoValue("status")
		}
		return status != "" && status[0] != '1'
	})
	return status, err
}

// awaitGoAway fails the test unless the proxy ends the connection with that error.
func (f *frames) awaitGoAway(want http2.ErrCode) {
	f.t.Helper()
	var got *http2.GoAwayFrame
	err := f.await(func(frame http2.Frame) bool {
		var is bool
		got, is = frame.(*http2.GoAwayFrame)
		return is
	})
	if err != nil || got.ErrCode != want {
		f.t.Errorf("got %v, %v, want GOAWAY with %v", got, err, want)
	}
}

func TestHTTP2Bodies(t *testing.T) {
	s := one(t, proxy.Config{}, echoBody)
	client := s.client(t)
	client.Transport.(*http.Transport).DisableKeepAlives = false
	defer client.CloseIdleConnections()
	var group sync.WaitGroup
	for _, size := range []int{0, 1, 16 << 10, 300 << 10, 3 << 20} {
		for _, known := range []bool{true, false} {
			group.Go(func() {
				sent := bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
				var body io.Reader = bytes.NewReader(sent)
				if !known {
					body = io.MultiReader(body)
				}
				reply, err := client.Post("https://h/", "text/plain", body)
				if err != nil {
					t.Errorf("%d bytes, length known %t: %v", size, known, err)
					return
				}
				defer reply.Body.Close()
				got, err := io.ReadAll(reply.Body)
				if err != nil || sha256.Sum256(got) != sha256.Sum256(sent) || reply.ProtoMajor != 2 {
					t.Errorf("%d bytes, length known %t: got %d bytes, %v over %s", size, known, len(got), err, reply.Proto)
				}
			})
		}
	}
	group.Wait()
}

func TestHTTP2HeadersToTheBackend(t *testing.T) {
	var seen http.Header
	var host string
	s := one(t, proxy.Config{}, func(w http.ResponseWriter, r *http.Request) { seen, host = r.Header, r.Host })
	f := s.frames(t)
	f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndStream: true, EndHeaders: true, BlockFragment: f.request(
		":method", "GET", ":scheme", "http", ":path", "/x?y", ":authority", "gyull.com:30443",
		"cookie", "a=1", "accept", "*/*", "cookie", "b=2", "te", "trailers")})
	if err := f.await(func(frame http2.Frame) bool {
		return frame.Header().StreamID == 1 && frame.Header().Flags.Has(http2.FlagDataEndStream)
	}); err != nil {
		t.Fatal(err)
	}
	if host != "gyull.com:30443" || seen.Get("Cookie") != "a=1; b=2" || seen.Get("X-Forwarded-Host") != host ||
		len(seen.Get("X-Request-Id")) != 32 || len(seen) != 10 {
		t.Errorf("the backend saw host %q and %v", host, seen)
	}
}

// TestRapidReset opens and resets streams as fast as it can (CVE-2023-44487): the proxy must end that.
func TestRapidReset(t *testing.T) {
	release := make(chan struct{})
	s := one(t, proxy.Config{Limits: proxy.Limits{Streams: 10}}, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	defer close(release)
	f := s.frames(t)
	go func() {
		for id := uint32(1); id < 2000; id += 2 {
			if f.get(id) != nil || f.WriteRSTStream(id, http2.ErrCodeCancel) != nil {
				return
			}
		}
	}()
	f.awaitGoAway(http2.ErrCodeEnhanceYourCalm)
}

func TestContinuationFlood(t *testing.T) {
	for name, fragment := range map[string][]byte{"empty": nil, "large": bytes.Repeat([]byte{0}, 8<<10)} {
		t.Run(name, func(t *testing.T) {
			f := one(t, proxy.Config{}, named("x")).frames(t)
			f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndStream: true, BlockFragment: f.request(":method", "GET")})
			go func() {
				for f.WriteContinuation(1, false, fragment) == nil {
				}
			}()
			f.awaitGoAway(http2.ErrCodeEnhanceYourCalm)
		})
	}
}

func TestHeaderThatIsTooLarge(t *testing.T) {
	s := one(t, proxy.Config{Limits: proxy.Limits{HeaderBytes: 4 << 10}}, named("x"))
	f := s.frames(t)
	// A dynamic table entry makes a small block large: 20 references to 500 bytes.
	fields := []string{":method", "GET", ":scheme", "http", ":path", "/", ":authority", "h"}
	for range 20 {
		fields = append(fields, "x-large", strings.Repeat("x", 500))
	}
	f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndStream: true, EndHeaders: true, BlockFragment: f.request(fields...)})
	var status string
	if err := f.await(func(frame http2.Frame) bool {
		headers, is := frame.(*http2.MetaHeadersFrame)
		if is {
			status = headers.PseudoValue("status")
		}
		return is
	}); err != nil || status != "431" {
		t.Errorf("got %q, %v", status, err)
	}
	f.get(3) // the connection goes on
	if err := f.await(func(frame http2.Frame) bool {
		return frame.Header().StreamID == 3 && frame.Header().Flags.Has(http2.FlagDataEndStream)
	}); err != nil {
		t.Error(err)
	}
}

func TestStreamLimit(t *testing.T) {
	release := make(chan struct{})
	s := one(t, proxy.Config{Limits: proxy.Limits{Streams: 3}}, func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	f := s.frames(t)
	for id := uint32(1); id <= 7; id += 2 {
		f.get(id)
	}
	err := f.await(func(frame http2.Frame) bool {
		reset, is := frame.(*http2.RSTStreamFrame)
		return is && reset.StreamID == 7 && reset.ErrCode == http2.ErrCodeRefusedStream
	})
	if err != nil {
		t.Errorf("the fourth stream was not refused: %v", err)
	}
}

// TestPingFlood sends pings and reads nothing: what is to be answered must not fill the memory.
func TestPingFlood(t *testing.T) {
	s := one(t, proxy.Config{Timeouts: proxy.Timeouts{Body: 200 * time.Millisecond}}, named("x"))
	f := s.frames(t)
	f.SetDeadline(time.Now().Add(10 * time.Second))
	for {
		if err := f.WritePing(false, [8]byte{}); err != nil {
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				t.Error("the proxy still reads after ten seconds")
			}
			return // it has given up
		}
	}
}

// TestClientThatGoesAway checks that the request to the endpoint is cancelled when the client disconnects.
func TestClientThatGoesAway(t *testing.T) {
	gone, started := make(chan struct{}, 2), make(chan struct{}, 2)
	s := one(t, proxy.Config{}, func(w http.ResponseWriter, r *http.Request) {
		started <- struct{}{}
		<-r.Context().Done()
		gone <- struct{}{}
	})
	f := s.frames(t)
	f.get(1)
	f.get(3)
	<-started
	<-started
	f.WriteRSTStream(1, http2.ErrCodeCancel)
	<-gone
	f.Close()
	<-gone
}

func TestHTTP2Drain(t *testing.T) {
	started, finish := make(chan struct{}), make(chan struct{})
	slow := backend(t, func(w http.ResponseWriter, r *http.Request) {
		close(started)
		<-finish
		io.WriteString(w, "done")
	})
	s, stop, ended := start(t, proxy.Config{}, toAll(upstream("u", slow)), listen(t), nil)
	f := s.frames(t)
	f.get(1)
	<-started
	stop()
	f.awaitGoAway(http2.ErrCodeNo)
	close(finish)
	if err := f.await(func(frame http2.Frame) bool {
		return frame.Header().StreamID == 1 && frame.Header().Flags.Has(http2.FlagDataEndStream)
	}); err != nil {
		t.Errorf("the running request was not served: %v", err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
