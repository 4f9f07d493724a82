package upstream

import (
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	xhttp2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/ingress-testbed/testbed/proxy/http2/frames"
	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// serveBytes answers every segment that comes with the same bytes: an endpoint that costs nothing.
func serveBytes(conn net.Conn, answer []byte) {
	request := make([]byte, 4096)
	for {
		if _, err := conn.Read(request); err != nil {
			return
		}
		if _, err := conn.Write(answer); err != nil {
			return
		}
	}
}

// serveFrames answers every HEADERS frame, with a header whose fields are in the dynamic table after the first time.
func serveFrames(t testing.TB, conn net.Conn) {
	f := newFramer(t, conn)
	if f == nil {
		return
	}
	fields := []hpack.HeaderField{{Name: ":status", Value: "200"}, {Name: "server", Value: "e"}, {Name: "content-length", Value: "2"}}
	buffer, answer := make([]byte, 0, 4096), make([]byte, 0, 4096)
	for {
		n, err := conn.Read(buffer[len(buffer):cap(buffer)])
		if err != nil {
			return
		}
		buffer = buffer[:len(buffer)+n]
		answer = answer[:0]
		for len(buffer) >= frames.HeaderSize {
			h := frames.ParseHeader(buffer)
			if len(buffer) < frames.HeaderSize+h.Length {
				break
			}
			buffer = append(buffer[:0], buffer[frames.HeaderSize+h.Length:]...)
			switch {
			case h.Type == xhttp2.FrameHeaders:
				f.block.Reset()
				for _, field := range fields {
					f.encoder.WriteField(field)
				}
				start := len(answer)
				answer = append(answer, make([]byte, frames.HeaderSize)...)
				answer = append(answer, f.block.Bytes()...)
				answer = frames.EndHeaders(answer, start, h.Stream, false, 16384)
				answer = frames.AppendData(answer, h.Stream, []byte("ok"), true)
			case h.Type == xhttp2.FrameSettings && h.Flags&xhttp2.FlagSettingsAck == 0:
				answer = frames.AppendSettingsAck(answer)
			}
		}
		if _, err := conn.Write(answer); err != nil {
			return
		}
	}
}

// exchange is a whole call without the test's own allocations.
func exchange(t testing.TB, pool *Pool, call *Call) {
	reply, err := pool.RoundTrip(call, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for {
		piece, err := reply.Available()
		if err == nil && len(piece) == 0 {
			_, err = reply.Next()
		}
		if err == io.EOF { //nolint:errorlint // as it is returned
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := reply.Close(); err != nil {
		t.Fatal(err)
	}
	call.Begin()
}

// sameBody is a body that is there at once, again and again.
type sameBody struct{ ended bool }

func (b *sameBody) Available() ([]byte, error) {
	if b.ended = !b.ended; !b.ended {
		return nil, io.EOF
	}
	return b.piece(), nil
}

func (b *sameBody) piece() []byte             { return fourBytes[:] }
func (b *sameBody) Next() ([]byte, error)     { return b.Available() }
func (b *sameBody) Ended() bool               { return !b.ended }
func (b *sameBody) Trailers() []message.Field { return nil }

var fourBytes = [4]byte{'b', 'o', 'd', 'y'} //nolint:gochecknoglobals // never changed

func endpoints(t testing.TB) map[string]*Pool {
	return map[string]*Pool{
		"HTTP/1.1": listen(t, route.HTTP1, func(_ int, conn net.Conn) { serveBytes(conn, []byte(okReply)) }),
		"HTTP/2":   listen(t, route.H2C, func(_ int, conn net.Conn) { serveFrames(t, conn) }),
	}
}

// A round trip allocates nothing.
func TestAllocations(t *testing.T) {
	for name, pool := range endpoints(t) {
		for _, request := range []string{get, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n"} {
			call := newCall(t, request)
			if call.Request.HasBody() {
				call.Body = new(sameBody)
			}
			call.Lines = []byte("X-Real-IP: 10.0.0.1\r\nX-Request-ID: 1\r\n")
			exchange(t, pool, call)
			if n := testing.AllocsPerRun(1000, func() { exchange(t, pool, call) }); n > 0.5 {
				t.Errorf("%s %.4s: %v allocations", name, request, n)
			}
		}
	}
}

func BenchmarkRoundTrip(b *testing.B) {
	for name, pool := range endpoints(b) {
		b.Run(name, func(b *testing.B) {
			call := newCall(b, get)
			b.ReportAllocs()
			for b.Loop() {
				exchange(b, pool, call)
			}
		})
	}
	// The same over HTTP/2 with the standard library, for comparison.
	b.Run("HTTP/2 net/http", func(b *testing.B) {
		pool := listen(b, route.H2C, func(_ int, conn net.Conn) { serveFrames(b, conn) })
		transport := &http.Transport{Protocols: new(http.Protocols)}
		transport.Protocols.SetUnencryptedHTTP2(true)
		defer transport.CloseIdleConnections()
		request, err := http.NewRequest(http.MethodGet, "http://"+pool.Address, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			reply, err := transport.RoundTrip(request)
			if err != nil {
				b.Fatal(err)
			}
			io.Copy(io.Discard, reply.Body)
			reply.Body.Close()
		}
	})
}

func BenchmarkDownload(b *testing.B) {
	for _, protocol := range []route.Protocol{route.HTTP1, route.H2C} {
		b.Run(protocol.String(), func(b *testing.B) {
			const size = 16 << 20
			piece := make([]byte, 64<<10)
			pool := listenHTTP(b, protocol, func(w http.ResponseWriter, _ *http.Request) {
				for range size / len(piece) {
					w.Write(piece)
				}
			})
			call := newCall(b, get)
			b.SetBytes(size)
			for b.Loop() {
				exchange(b, pool, call)
			}
		})
	}
}
