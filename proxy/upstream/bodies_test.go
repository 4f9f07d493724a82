package upstream

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	xhttp2 "golang.org/x/net/http2"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/proxy/upstream/wire"
)

// feed gives a call a body that the test sends piece by piece.
func feed(call *Call, buffered int) *testBody {
	body := &testBody{pieces: make(chan []byte, buffered), client: call.Client.(*testClient)}
	call.Body = body
	return body
}

// A change of protocols is passed on when the request's body has been sent (RFC 9110 section 7.8).
func TestUpgradeAfterBody(t *testing.T) {
	replied, got := make(chan struct{}), make(chan string, 1)
	pool := listen(t, route.HTTP1, func(_ int, conn net.Conn) {
		in := bufio.NewReader(conn)
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\nContent-Length: 3\r\n\r\nhello")
		close(replied)
		body, _ := io.ReadAll(r.Body)
		rest, _ := io.ReadAll(in)
		got <- string(body) + "|" + string(rest)
	})
	call := newCall(t, "POST / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: x\r\nContent-Length: 10\r\n\r\n")
	body := feed(call, 0)
	go func() {
		<-replied
		body.pieces <- []byte("AAAAA")
		body.pieces <- []byte("BBBBB")
		close(body.pieces)
	}()
	reply, err := pool.RoundTrip(call, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if !reply.RequestSent() || reply.Header().Status != 101 {
		t.Errorf("status %d before the body was sent", reply.Header().Status)
	}
	if fields := string(reply.Header().AppendForwarded(nil)); strings.Contains(fields, "Length") {
		t.Errorf("the client gets %q", fields)
	}
	conn, read := reply.Hijack()
	if string(read) != "hello" {
		t.Errorf("read %q beyond the header", read)
	}
	io.WriteString(conn, "frame")
	client := call.Client.(*testClient)
	client.OnGone(conn)
	if err := reply.Close(); err != nil || client.closer != io.Closer(conn) {
		t.Errorf("Close returned %v and unregistered what was registered after Hijack", err)
	}
	conn.Close()
	if text := <-got; text != "AAAAABBBBB|frame" {
		t.Errorf("the endpoint got %q", text)
	}
}

func TestUnrequestedUpgrade(t *testing.T) {
	pool := listen(t, route.HTTP1, func(_ int, conn net.Conn) {
		answer(conn, func(int, *http.Request) string { return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n" })
	})
	if got := do(pool, newCall(t, get)); !errors.Is(got.err, errUnrequestedUpgrade) {
		t.Errorf("got %v", got)
	}
}

// An endpoint answers before the request's body has come. The exchange learns that from RequestSent, and Close ends both.
func TestEarlyReply(t *testing.T) {
	for name, c := range map[string]struct {
		protocol route.Protocol
		serve    func(conn net.Conn)
	}{
		"HTTP/1.1": {route.HTTP1, func(conn net.Conn) {
			http.ReadRequest(bufio.NewReader(conn))
			io.WriteString(conn, "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
		}},
		"HTTP/2": {route.H2C, func(conn net.Conn) {
			f := newFramer(t, conn)
			s := f.request()
			f.headers(s.id, false, ":status", "403")
			f.WriteData(s.id, true, []byte("no"))
		}},
		"HTTP/2 with RST_STREAM": {route.H2C, func(conn net.Conn) {
			f := newFramer(t, conn)
			s := f.request()
			f.headers(s.id, false, ":status", "403")
			f.WriteData(s.id, true, []byte("no"))
			f.WriteRSTStream(s.id, xhttp2.ErrCodeNo)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			used := 0
			pool := listen(t, c.protocol, func(_ int, conn net.Conn) {
				used++
				c.serve(conn)
				io.Copy(io.Discard, conn)
			})
			call := newCall(t, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n")
			feed(call, 0)
			reply, err := pool.RoundTrip(call, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			if reply.RequestSent() {
				t.Error("the body was sent, and did not come")
			}
			if got := read(reply); got.err != nil || got.body != "no" || got.status != 403 {
				t.Errorf("got %v", got)
			}
			if err := reply.Close(); err != nil {
				t.Error(err)
			}
			select {
			case <-call.Client.(*testClient).canceled:
			default:
				t.Error("the client's body is still read")
			}
			if _, is := reply.(*http1Conn); is && len(pool.idle) > 0 {
				t.Error("the connection is kept although the request is incomplete")
			}
		})
	}
}

// A reply that ends with the connection is incomplete over TLS without close_notify (RFC 9112 section 9.8).
func TestUnannouncedEnd(t *testing.T) {
	config := &tls.Config{Certificates: []tls.Certificate{newCertificate(t)}}
	for _, announced := range []bool{true, false} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			config := config.Clone()
			config.MaxVersion = version
			pool := listen(t, route.HTTPS, func(_ int, conn net.Conn) {
				secure := tls.Server(conn, config)
				if _, err := readRequest(bufio.NewReader(secure)); err != nil {
					return
				}
				io.WriteString(secure, "HTTP/1.1 200 OK\r\n\r\nhello")
				if announced {
					secure.CloseWrite()
				}
				conn.(*net.TCPConn).CloseWrite()
				io.Copy(io.Discard, conn)
			})
			got := do(pool, newCall(t, get))
			if got.body != "hello" || announced != (got.err == nil) || !announced && !errors.Is(got.err, wire.ErrTruncated) {
				t.Errorf("%s, announced %t: got %v", tls.VersionName(version), announced, got)
			}
		}
	}
}

// Informational replies are passed on without a length, to clients that know them, and bounded.
func TestInformational(t *testing.T) {
	const hints = "HTTP/1.1 103 Early Hints\r\nContent-Length: 7\r\nLink: </a>\r\n\r\n"
	for request, want := range map[string]int{get: 2, "GET / HTTP/1.0\r\n\r\n": 0} {
		pool := listen(t, route.HTTP1, func(_ int, conn net.Conn) {
			answer(conn, func(int, *http.Request) string { return hints + hints + okReply })
		})
		call := newCall(t, request)
		if got := do(pool, call); got.err != nil || got.body != "ok" {
			t.Errorf("got %v", got)
		}
		interim := call.Client.(*testClient).interim
		if len(interim) != want || want > 0 && interim[0] != "103 Link: </a>\r\n" {
			t.Errorf("the client got %q", interim)
		}
	}
	pool := listen(t, route.HTTP1, func(_ int, conn net.Conn) {
		answer(conn, func(int, *http.Request) string { return strings.Repeat(hints, 20000) })
	})
	call := newCall(t, get)
	if got := do(pool, call); !errors.Is(got.err, errTooManyInformational) {
		t.Errorf("got %v", got)
	}
	if n := len(call.Client.(*testClient).interim); n*len(hints) > 16<<10 {
		t.Errorf("%d interim replies were passed on", n)
	}
	pool = listen(t, route.HTTP1, func(_ int, conn net.Conn) {
		answer(conn, func(int, *http.Request) string { return "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n" })
	})
	reply, err := pool.RoundTrip(newCall(t, get), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if fields := reply.Header().AppendForwarded(nil); len(fields) > 0 {
		t.Errorf("the client gets %q", fields)
	}
	reply.Close()
}

// A request that the endpoint refused to process is sent again, also one with a body that can be.
func TestRefused(t *testing.T) {
	for name, refuse := range map[string]func(f *framer, s *stream){
		"REFUSED_STREAM": func(f *framer, s *stream) { f.WriteRSTStream(s.id, xhttp2.ErrCodeRefusedStream) },
		"GOAWAY":         func(f *framer, _ *stream) { f.WriteGoAway(0, xhttp2.ErrCodeNo, nil) },
	} {
		for request, retryable := range map[string]bool{
			get: true, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody": true, "more": false,
		} {
			t.Run(name, func(t *testing.T) {
				pool := listen(t, route.H2C, func(_ int, conn net.Conn) {
					f := newFramer(t, conn)
					for number := 0; ; number++ {
						var s *stream
						if request == "more" {
							s = f.request()
						} else {
							s = f.whole()
						}
						if s == nil {
							return
						}
						refuse(f, s)
					}
				})
				var call *Call
				if request == "more" {
					call = newCall(t, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n")
					feed(call, 0)
				} else {
					call = newCall(t, request)
				}
				got := do(pool, call)
				var failed *Error
				if !errors.As(got.err, &failed) || failed.Sent || call.Retryable(got.err) != retryable {
					t.Errorf("%.4q: got %v, retryable %t", request, got, call.Retryable(got.err))
				}
			})
		}
	}
}

// An endpoint that restarts gracefully costs no request: its GOAWAY on a kept connection makes the pool take another one.
func TestGracefulRestart(t *testing.T) {
	served := make(chan string, 10)
	pool := listen(t, route.H2C, func(number int, conn net.Conn) {
		f := newFramer(t, conn)
		for requests := 1; ; requests++ {
			s := f.whole()
			if s == nil {
				return
			}
			if number == 1 && requests == 2 {
				f.WriteGoAway(s.id-2, xhttp2.ErrCodeNo, nil)
				continue
			}
			served <- string(s.body)
			f.headers(s.id, true, ":status", "204")
		}
	})
	for _, body := range []string{"1", "2", "3"} {
		got := do(pool, newCall(t, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n"+body))
		if got.err != nil || got.status != 204 {
			t.Fatalf("got %v", got)
		}
		if got := <-served; got != body {
			t.Errorf("the endpoint got %q", got)
		}
	}
}

// A connection that breaks before a reply: only a safe request is sent again.
func TestBrokenConnection(t *testing.T) {
	for request, retryable := range map[string]bool{
		get: true, "DELETE / HTTP/1.1\r\nHost: h\r\n\r\n": false,
		"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody": false,
	} {
		for _, partial := range []string{"", "HTTP/1.1 2"} {
			pool := listen(t, route.HTTP1, func(_ int, conn net.Conn) {
				readRequest(bufio.NewReader(conn))
				io.WriteString(conn, partial)
			})
			call := newCall(t, request)
			got := do(pool, call)
			var failed *Error
			if !errors.As(got.err, &failed) || !failed.Sent || call.Retryable(got.err) != retryable {
				t.Errorf("%.4q %q: got %v, retryable %t", request, partial, got, call.Retryable(got.err))
			}
		}
	}
	pool := listen(t, route.HTTP1, func(_ int, conn net.Conn) {
		answer(conn, func(int, *http.Request) string { return "HTTP/1.1 20x Bad\r\n\r\n" })
	})
	call := newCall(t, get)
	if got := do(pool, call); got.err == nil || call.Retryable(got.err) {
		t.Errorf("a malformed reply: got %v", got)
	}
}

// A kept connection that breaks as a request is sent is replaced; that says nothing about the endpoint.
func TestBrokenWhileKept(t *testing.T) {
	pool := listen(t, route.HTTP1, func(number int, conn net.Conn) {
		in := bufio.NewReader(conn)
		for requests := 1; ; requests++ {
			if _, err := readRequest(in); err != nil || number == 1 && requests == 2 {
				return
			}
			io.WriteString(conn, okReply)
		}
	})
	for range 3 {
		if got := do(pool, newCall(t, get)); got.err != nil || got.body != "ok" {
			t.Errorf("got %v", got)
		}
	}
}

// Bodies that are too large or that break off on the client's side.
func TestBodyErrors(t *testing.T) {
	broken := errors.New("it broke")
	for _, protocol := range []route.Protocol{route.HTTP1, route.H2C} {
		for name, c := range map[string]struct {
			prepare func(call *Call)
			want    error
		}{
			"too large at once": {func(call *Call) {
				call.BodyLimit = 3
				body := feed(call, 1)
				body.pieces <- []byte("1234")
			}, errBodyTooLarge},
			"too large later": {func(call *Call) {
				call.BodyLimit = 3
				body := feed(call, 0)
				go func() {
					body.pieces <- []byte("12")
					body.pieces <- []byte("34")
				}()
			}, errBodyTooLarge},
			"broken at once": {func(call *Call) {
				body := feed(call, 0)
				body.err = broken
				close(body.pieces)
			}, broken},
			"broken later": {func(call *Call) {
				body := feed(call, 0)
				body.err = broken
				go func() {
					body.pieces <- []byte("12")
					close(body.pieces)
				}()
			}, broken},
			"too late": {func(call *Call) {
				body := feed(call, 0)
				body.err = os.ErrDeadlineExceeded
				go close(body.pieces)
			}, os.ErrDeadlineExceeded},
		} {
			t.Run(protocol.String()+" "+name, func(t *testing.T) {
				whole := make(chan bool, 1)
				pool := listen(t, protocol, func(_ int, conn net.Conn) {
					if protocol == route.HTTP1 {
						_, err := readRequest(bufio.NewReader(conn))
						whole <- err == nil
					} else if f := newFramer(t, conn); f != nil {
						whole <- f.whole() != nil
					}
				})
				call := newCall(t, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
				c.prepare(call)
				got := do(pool, call)
				var fault *BodyError
				if !errors.As(got.err, &fault) || !errors.Is(got.err, c.want) || call.Retryable(got.err) {
					t.Errorf("got %v", got)
				}
				select {
				case took := <-whole:
					if took {
						t.Error("the endpoint took the part for the whole")
					}
				default:
				}
			})
		}
	}
}

// A body that breaks off after the reply's header is reported by Close.
func TestBodyErrorAfterHeader(t *testing.T) {
	broken := errors.New("it broke")
	for _, protocol := range []route.Protocol{route.HTTP1, route.H2C} {
		pool := listen(t, protocol, func(_ int, conn net.Conn) {
			if protocol == route.HTTP1 {
				http.ReadRequest(bufio.NewReader(conn))
				io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx")
			} else {
				f := newFramer(t, conn)
				f.headers(f.request().id, false, ":status", "200")
			}
			io.Copy(io.Discard, conn)
		})
		call := newCall(t, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n")
		body := feed(call, 0)
		body.err = broken
		reply, err := pool.RoundTrip(call, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		close(body.pieces)
		if got := read(reply); got.err == nil {
			t.Errorf("%v: got %v", protocol, got)
		}
		var fault *BodyError
		if err := reply.Close(); !errors.As(err, &fault) || !errors.Is(err, broken) {
			t.Errorf("%v: Close returned %v", protocol, err)
		}
	}
}

// Large bodies in both framings of HTTP/1.1.
func TestLargeUploads(t *testing.T) {
	text := bytes.Repeat([]byte("0123456789"), 200_000)
	pool := listenHTTP(t, route.HTTP1, func(w http.ResponseWriter, r *http.Request) {
		got, err := io.ReadAll(r.Body)
		if err != nil || !bytes.Equal(got, text) {
			t.Errorf("the endpoint got %d bytes, %v", len(got), err)
		}
		w.Write(got)
	})
	for _, framing := range []string{"Content-Length: 2000000", "Transfer-Encoding: chunked"} {
		call := newCall(t, "POST / HTTP/1.1\r\nHost: h\r\n"+framing+"\r\n\r\n")
		body := feed(call, 0)
		body.trailers = []message.Field{{Name: []byte("A"), Value: []byte("b")}}
		go func() {
			for rest := text; len(rest) > 0; {
				n := min(len(rest), 50_000)
				body.pieces <- rest[:n]
				rest = rest[n:]
			}
			close(body.pieces)
		}()
		if got := do(pool, call); got.err != nil || got.body != string(text) {
			t.Errorf("%s: got %d bytes, %v", framing, len(got.body), got.err)
		}
		if call.BytesIn != int64(len(text)) {
			t.Errorf("%d bytes were counted", call.BytesIn)
		}
	}
}

// A request that does not fit into the connection's buffers at once.
func TestLargeRequestAtOnce(t *testing.T) {
	text := strings.Repeat("0123456789", 1<<20)
	pool := listenHTTP(t, route.HTTP1, func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil || int(n) != len(text) {
			t.Errorf("the endpoint got %d bytes, %v", n, err)
		}
	})
	call := newCall(t, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10485760\r\n\r\n")
	body := feed(call, 1)
	body.pieces <- []byte(text)
	close(body.pieces)
	if got := do(pool, call); got.err != nil || got.status != 200 {
		t.Errorf("got %v", got)
	}
}
