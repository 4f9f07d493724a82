package proxy_test

import (
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// h2c runs a server that speaks HTTP/2 only, and returns a table that sends everything to it.
func h2c(t testing.TB, handler http.HandlerFunc) *route.Table {
	t.Helper()
	return h2cOn(t, listen(t), handler)
}

// h2cOn is h2c with a listener.
func h2cOn(t testing.TB, listener net.Listener, handler http.HandlerFunc) *route.Table {
	t.Helper()
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Protocols: protocols, Handler: handler}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return toH2C(listener.Addr())
}

func toH2C(address net.Addr) *route.Table {
	return toAll(route.Upstream{Name: "u", Protocol: route.H2C, Endpoints: []route.Endpoint{endpoint(address)}})
}

func TestInterimRepliesFromHTTP2(t *testing.T) {
	s := serve(t, proxy.Config{}, h2c(t, func(w http.ResponseWriter, r *http.Request) {
		for _, link := range []string{"</a>", "</b>"} {
			w.Header().Set("Link", link)
			w.WriteHeader(http.StatusEarlyHints)
		}
		w.Header().Del("Link")
		io.WriteString(w, "final")
	}))
	t.Run("HTTP/1.1", func(t *testing.T) {
		c := s.dial(t)
		for range 2 {
			c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
			for _, link := range []string{"</a>", "</b>"} {
				if reply, _ := c.reply("GET"); reply.StatusCode != http.StatusEarlyHints || reply.Header.Get("Link") != link {
					t.Fatalf("got %v, want a 103 with %s", reply, link)
				}
			}
			if reply, body := c.reply("GET"); reply.StatusCode != http.StatusOK || body != "final" || reply.Header.Get("Link") != "" {
				t.Errorf("got %v, %q", reply, body)
			}
		}
	})
	t.Run("HTTP/1.0", func(t *testing.T) { // which knows no interim replies
		c := s.dial(t)
		c.send("GET / HTTP/1.0\r\nHost: h\r\n\r\n")
		if reply, body := c.reply("GET"); reply.StatusCode != http.StatusOK || body != "final" {
			t.Errorf("got %v, %q", reply, body)
		}
	})
	t.Run("HTTP/2", func(t *testing.T) {
		var links []string
		trace := &httptrace.ClientTrace{Got1xxResponse: func(status int, header textproto.MIMEHeader) error {
			if status == http.StatusEarlyHints {
				links = append(links, header.Get("Link"))
			}
			return nil
		}}
		request, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), http.MethodGet, "https://h/", nil)
		if err != nil {
			t.Fatal(err)
		}
		reply, err := s.client(t).Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer reply.Body.Close()
		if body, _ := io.ReadAll(reply.Body); reply.ProtoMajor != 2 || string(body) != "final" {
			t.Errorf("got %v, %q", reply, body)
		}
		if !slices.Equal(links, []string{"</a>", "</b>"}) {
			t.Errorf("the client saw the links %q", links)
		}
	})
}

// TestTooManyInterimReplies has an endpoint that would go on for ever.
func TestTooManyInterimReplies(t *testing.T) {
	s := serve(t, proxy.Config{}, h2c(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			w.WriteHeader(http.StatusEarlyHints)
		}
	}))
	c := s.dial(t)
	c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	reply, _ := c.reply("GET")
	for reply.StatusCode == http.StatusEarlyHints {
		reply, _ = c.reply("GET")
	}
	if reply.StatusCode != http.StatusBadGateway {
		t.Errorf("got %v", reply)
	}
}

// TestRequestTrailersToHTTP2 looks at what arrives on the wire: Go's server shows handlers announced trailers only.
func TestRequestTrailersToHTTP2(t *testing.T) {
	seen := make(chan map[string]string, 1)
	s := serve(t, proxy.Config{}, framed(t, func(f *frameServer) {
		for r := f.request(); r != nil; r = f.request() {
			f.headers(r.stream, true, ":status", "200")
			seen <- r.trailers
		}
	}))
	for name, announced := range map[string]string{"announced": "Trailer: X-Sum\r\n", "not announced": ""} {
		t.Run("HTTP/1.1 "+name, func(t *testing.T) {
			c := s.dial(t)
			for _, trailers := range []string{"X-Sum: 42\r\nContent-Length: 9\r\n", "X-Sum: 42\r\n"} {
				c.send("POST / HTTP/1.1\r\nHost: h\r\n%sTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n%s\r\n", announced, trailers)
				if reply, _ := c.reply("POST"); reply.StatusCode != http.StatusOK {
					t.Errorf("got %v", reply)
				}
				if got := <-seen; !maps.Equal(got, map[string]string{"x-sum": "42"}) {
					t.Errorf("the endpoint saw the trailers %v", got)
				}
			}
		})
		t.Run("HTTP/2 "+name, func(t *testing.T) {
			for _, length := range []string{"5", ""} {
				f := s.frames(t)
				fields := []string{":method", "POST", ":scheme", "http", ":path", "/", ":authority", "h"}
				if length != "" {
					fields = append(fields, "content-length", length)
				}
				if announced != "" {
					fields = append(fields, "trailer", "x-sum")
				}
				f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndHeaders: true, BlockFragment: f.request(fields...)})
				f.WriteData(1, false, []byte("hello"))
				f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndHeaders: true, EndStream: true, BlockFragment: f.request("x-sum", "42")})
				if got := <-seen; !maps.Equal(got, map[string]string{"x-sum": "42"}) {
					t.Errorf("length %q: the endpoint saw the trailers %v", length, got)
				}
				if err := f.await(func(frame http2.Frame) bool {
					return frame.Header().Flags.Has(http2.FlagDataEndStream) && frame.Header().StreamID == 1
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestTrailersThatAreAnnouncedReachHandlers(t *testing.T) {
	seen := make(chan http.Header, 1)
	s := serve(t, proxy.Config{}, h2c(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		seen <- r.Trailer
	}))
	for _, scheme := range []string{"http", "https"} {
		request, err := http.NewRequest(http.MethodPost, scheme+"://h/", struct{ io.Reader }{strings.NewReader("hello")})
		if err != nil {
			t.Fatal(err)
		}
		request.Trailer = http.Header{"X-Sum": {"42"}}
		reply, err := s.client(t).Do(request)
		if err != nil {
			t.Fatal(err)
		}
		reply.Body.Close()
		if got := <-seen; got.Get("X-Sum") != "42" || len(got) != 1 {
			t.Errorf("%s: the handler saw the trailers %v", scheme, got)
		}
	}
}

const expecting = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"

func TestExpectContinueToHTTP2(t *testing.T) {
	t.Run("the endpoint decides", func(t *testing.T) {
		ask := make(chan struct{})
		s := serve(t, proxy.Config{}, h2c(t, func(w http.ResponseWriter, r *http.Request) {
			<-ask
			io.Copy(w, r.Body)
		}))
		c := s.dial(t)
		for range 2 {
			c.send(expecting)
			c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
			if _, err := c.in.Peek(1); !isTimeout(err) {
				t.Fatalf("the proxy said something before the endpoint did: %v", err)
			}
			c.SetReadDeadline(time.Now().Add(10 * time.Second))
			ask <- struct{}{}
			if reply, _ := c.reply("POST"); reply.StatusCode != http.StatusContinue {
				t.Fatalf("got %v", reply)
			}
			c.send("hello")
			if reply, body := c.reply("POST"); reply.StatusCode != http.StatusOK || body != "hello" {
				t.Errorf("got %v, %q", reply, body)
			}
		}
	})
	t.Run("the endpoint refuses", func(t *testing.T) {
		s := serve(t, proxy.Config{}, h2c(t, func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, "no", http.StatusExpectationFailed)
		}))
		c := s.dial(t)
		c.send(expecting)
		if reply, _ := c.reply("POST"); reply.StatusCode != http.StatusExpectationFailed || !reply.Close {
			t.Errorf("got %v", reply)
		}
		// Were the body still awaited, this would be taken for it.
		c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		c.ended()
	})
	t.Run("the endpoint says nothing", func(t *testing.T) {
		read := make(chan struct{})
		s := serve(t, proxy.Config{}, h2c(t, func(w http.ResponseWriter, r *http.Request) {
			<-read
			io.Copy(w, r.Body)
		}))
		c := s.dial(t)
		c.send(expecting)
		started := time.Now()
		if reply, _ := c.reply("POST"); reply.StatusCode != http.StatusContinue || time.Since(started) < 900*time.Millisecond {
			t.Errorf("got %v after %v", reply, time.Since(started))
		}
		close(read)
		c.send("hello")
		reply, body := c.reply("POST")
		if reply.StatusCode == http.StatusContinue { // the endpoint's own comes after all: one too many is allowed
			reply, body = c.reply("POST")
		}
		if reply.StatusCode != http.StatusOK || body != "hello" {
			t.Errorf("got %v, %q", reply, body)
		}
	})
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// TestResetByTheEndpointReachesTheClient has an endpoint that resets streams with CANCEL, as gRPC servers do at the
// deadline of a call, before its reply and within it.
func TestResetByTheEndpointReachesTheClient(t *testing.T) {
	for _, begun := range []bool{false, true} {
		s := serve(t, proxy.Config{Limits: proxy.Limits{Attempts: 1}}, framed(t, func(f *frameServer) {
			for r := f.request(); r != nil; r = f.request() {
				if begun {
					f.headers(r.stream, false, ":status", "200")
				}
				f.WriteRSTStream(r.stream, http2.ErrCodeCancel)
			}
		}))
		f := s.frames(t)
		for stream := uint32(1); stream < 5; stream += 2 { // the connection stays
			f.get(stream)
			var code http2.ErrCode
			if err := f.await(func(frame http2.Frame) bool {
				reset, is := frame.(*http2.RSTStreamFrame)
				if is {
					code = reset.ErrCode
				}
				return is && reset.StreamID == stream
			}); err != nil || code != http2.ErrCodeCancel {
				t.Fatalf("reply begun %t, stream %d: got %v, %v", begun, stream, code, err)
			}
		}
	}
}
