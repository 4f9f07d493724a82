package proxy_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// echoBody answers when it has read everything, as the standard server wants it of those that aren't full duplex.
func echoBody(w http.ResponseWriter, r *http.Request) {
	if body, err := io.ReadAll(r.Body); err == nil {
		w.Write(body)
	}
}

func TestKeepAliveAndPipelining(t *testing.T) {
	s := one(t, proxy.Config{}, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.URL.Path) })
	c := s.dial(t)
	for _, path := range []string{"/1", "/2"} {
		c.send("GET %s HTTP/1.1\r\nHost: h\r\n\r\n", path)
		if _, body := c.reply("GET"); body != path {
			t.Errorf("%s: got %q", path, body)
		}
	}
	c.send("GET /3 HTTP/1.1\r\nHost: h\r\n\r\nPOST /4 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhiGET /5 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	for _, path := range []string{"/3", "/4", "/5"} {
		if _, body := c.reply("GET"); body != path {
			t.Errorf("pipelined %s: got %q", path, body)
		}
	}
	c.ended()
}

func TestHTTP10(t *testing.T) {
	s := one(t, proxy.Config{}, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "first ")
		w.(http.Flusher).Flush() // makes the reply chunked
		io.WriteString(w, "second")
	})
	c := s.dial(t)
	c.send("GET / HTTP/1.0\r\n\r\n")
	reply, body := c.reply("GET")
	if body != "first second" || len(reply.TransferEncoding) > 0 || !reply.Close {
		t.Errorf("got %q, %v", body, reply)
	}
	c.ended()

	s = one(t, proxy.Config{}, named("x"))
	c = s.dial(t)
	for range 2 {
		c.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
		if reply, body := c.reply("GET"); body != "x" || reply.Header.Get("Connection") != "keep-alive" {
			t.Errorf("got %q, %v", body, reply)
		}
	}
}

func TestTargets(t *testing.T) {
	s := one(t, proxy.Config{}, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s", r.Host, r.RequestURI)
	})
	for _, c := range []struct{ line, host, want string }{
		{"GET http://other:8080/a?b HTTP/1.1", "h", "other:8080 /a?b"},
		{"GET http://other HTTP/1.1", "h", "other /"},
		{"GET HTTP://other?q HTTP/1.1", "h", "other /?q"},
		{"GET /a/./b/../c%7e%2f?x=%zz HTTP/1.1", "h", "h /a/c~%2F?x=%zz"},
		{"GET /? HTTP/1.1", "h", "h /?"},
		{"GET //a HTTP/1.1", "h", "h //a"},
		{"GET /app/..;/admin HTTP/1.1", "h", "h /app/..;/admin"},
		{"GET /app/%2f..%2fadmin HTTP/1.1", "h", "h /app/%2F..%2Fadmin"},
		{"GET /\xc3\xa9 HTTP/1.1", "h", "h /%C3%A9"},
	} {
		connection := s.dial(t)
		connection.send("%s\r\nHost: %s\r\n\r\n", c.line, c.host)
		if _, body := connection.reply("GET"); body != c.want {
			t.Errorf("%q: got %q, want %q", c.line, body, c.want)
		}
	}
	c := s.dial(t)
	c.send("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n")
	if reply, _ := c.reply("OPTIONS"); reply.StatusCode != http.StatusOK || reply.Header.Get("Allow") == "" {
		t.Errorf("OPTIONS *: got %v", reply)
	}
}

func TestBodies(t *testing.T) {
	s := one(t, proxy.Config{}, echoBody)
	client := s.client(t)
	for _, size := range []int{0, 1, 100, 8 << 10, 64 << 10, 5 << 20} {
		for _, known := range []bool{true, false} {
			sent := bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
			var body io.Reader = bytes.NewReader(sent)
			if !known {
				body = io.MultiReader(body) // hides the length: chunked
			}
			reply, err := client.Post("http://h/", "text/plain", body)
			if err != nil {
				t.Fatalf("%d bytes, length known %t: %v", size, known, err)
			}
			got, err := io.ReadAll(reply.Body)
			reply.Body.Close()
			if err != nil || sha256.Sum256(got) != sha256.Sum256(sent) {
				t.Errorf("%d bytes, length known %t: got %d bytes, %v", size, known, len(got), err)
			}
		}
	}
}

// TestBodyStreams checks that neither side of a body is gathered: each piece is answered before the next is sent.
func TestBodyStreams(t *testing.T) {
	s := one(t, proxy.Config{}, func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex()
		in := bufio.NewReader(r.Body)
		for {
			line, err := in.ReadString('\n')
			io.WriteString(w, line)
			w.(http.Flusher).Flush()
			if err != nil {
				return
			}
		}
	})
	c := s.dial(t)
	c.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
	var reply *http.Response
	var in *bufio.Reader
	for i := range 3 {
		line := fmt.Sprintf("line %d\n", i)
		c.send("%x\r\n%s\r\n", len(line), line)
		if reply == nil {
			var err error
			if reply, err = http.ReadResponse(c.in, nil); err != nil {
				t.Fatal(err)
			}
			in = bufio.NewReader(reply.Body)
		}
		if got, err := in.ReadString('\n'); got != line {
			t.Fatalf("got %q, %v, want %q", got, err, line)
		}
	}
	c.send("0\r\n\r\n")
	if rest, err := io.ReadAll(in); err != nil || len(rest) > 0 {
		t.Errorf("got %q, %v", rest, err)
	}
}

func TestTrailers(t *testing.T) {
	var seen http.Header
	s := one(t, proxy.Config{}, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		seen = r.Trailer
		w.Header().Set("Trailer", "X-Sum")
		io.WriteString(w, "body")
		w.Header().Set("X-Sum", "42")
	})
	c := s.dial(t)
	c.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: X-Mine\r\n\r\n2\r\nab\r\n0\r\nX-Mine: 7\r\nContent-Length: 9\r\n\r\n")
	reply, body := c.reply("POST")
	if body != "body" || reply.Trailer.Get("X-Sum") != "42" {
		t.Errorf("got %q with trailers %v", body, reply.Trailer)
	}
	if seen.Get("X-Mine") != "7" || seen.Get("Content-Length") != "" {
		t.Errorf("the endpoint saw the trailers %v", seen)
	}
}

func TestInterimReplies(t *testing.T) {
	s := one(t, proxy.Config{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		echoBody(w, r) // makes the server send 100 (Continue)
	})
	var interim []int
	trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, _ textproto.MIMEHeader) error {
		interim = append(interim, code)
		return nil
	}}
	request, err := http.NewRequest(http.MethodPost, "http://h/", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Expect", "100-continue")
	client := s.client(t)
	client.Transport.(*http.Transport).ExpectContinueTimeout = 1e10
	reply, err := client.Do(request.WithContext(httptrace.WithClientTrace(t.Context(), trace)))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(reply.Body)
	if err != nil || string(body) != "hello" || fmt.Sprint(interim) != "[103 100]" {
		t.Errorf("got %q, %v after %v", body, err, interim)
	}
}

func TestRepliesWithoutBody(t *testing.T) {
	s := one(t, proxy.Config{}, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/204":
			w.WriteHeader(http.StatusNoContent)
		case "/304":
			w.Header().Set("ETag", `"x"`)
			w.WriteHeader(http.StatusNotModified)
		default:
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, strings.Repeat("x", 1000))
		}
	})
	c := s.dial(t)
	for _, r := range []struct {
		method, path string
		status       int
		length       int64
	}{{"GET", "/204", 204, 0}, {"GET", "/304", 304, 0}, {"HEAD", "/", 200, 1000}, {"GET", "/", 200, 1000}} {
		c.send("%s %s HTTP/1.1\r\nHost: h\r\n\r\n", r.method, r.path)
		if reply, _ := c.reply(r.method); reply.StatusCode != r.status || max(reply.ContentLength, 0) != r.length {
			t.Errorf("%s %s: got %v", r.method, r.path, reply)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestBodyLimit(t *testing.T) {
	table := toAll(upstream("u", backend(t, echoBody)))
	table.Hosts[0].Routes[0].Policies = []route.Policy{policy.BodySize{Bytes: 100 << 10}}
	s := serve(t, proxy.Config{}, table)
	for _, known := range []bool{true, false} {
		for size, want := range map[int]int{100 << 10: 200, 100<<10 + 1: 413} {
			var body io.Reader = bytes.NewReader(make([]byte, size))
			if !known {
				body = io.MultiReader(body)
			}
			reply, err := s.client(t).Post("http://h/", "text/plain", body)
			if err != nil {
				t.Fatalf("%d bytes, known %t: %v", size, known, err)
			}
			reply.Body.Close()
			if reply.StatusCode != want {
				t.Errorf("%d bytes, known %t: got %d, want %d", size, known, reply.StatusCode, want)
			}
		}
	}
}
