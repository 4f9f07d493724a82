package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// section is a header as a client sees it.
type section struct {
	status string
	fields http.Header
}

// sections sends a GET over HTTP/1.1 or HTTP/2 and returns the headers of all replies, interim ones included. The last
// one must end the exchange.
func (s served) sections(t testing.TB, isHTTP2 bool) []section {
	t.Helper()
	var got []section
	if !isHTTP2 {
		c := s.dial(t)
		c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		for {
			reply, _ := c.reply("GET")
			got = append(got, section{reply.Status[:3], reply.Header})
			if reply.StatusCode >= 200 {
				return got
			}
		}
	}
	f := s.frames(t)
	f.get(1)
	if err := f.await(func(frame http2.Frame) bool {
		if headers, is := frame.(*http2.MetaHeadersFrame); is {
			next := section{headers.PseudoValue("status"), http.Header{}}
			for _, field := range headers.RegularFields() {
				next.fields.Add(field.Name, field.Value)
			}
			got = append(got, next)
		}
		return frame.Header().StreamID == 1 && frame.Header().Flags.Has(http2.FlagDataEndStream)
	}); err != nil {
		t.Fatal(err)
	}
	return got
}

// TestContentLengthOfRepliesWithoutBody: it is never invented, and not forwarded with 1xx and 204, where RFC 9110 section
// 8.6 forbids it. With 304 it is the length that 200 would have.
func TestContentLengthOfRepliesWithoutBody(t *testing.T) {
	for name, c := range map[string]struct {
		status, length string
		interim        bool
		want           string
	}{
		"304":                      {"304", "", false, ""},
		"304 with a length":        {"304", "9", false, "9"},
		"204":                      {"204", "", false, ""},
		"204 with a length":        {"204", "5", false, ""},
		"103 with a length, 304":   {"304", "", true, ""},
		"103 with a length, 200/0": {"200", "0", true, "0"},
	} {
		for _, protocol := range endpointProtocols() {
			t.Run(name+" "+protocol.String(), func(t *testing.T) {
				table := toAll(upstream("u", scripted(t, func(conn net.Conn, in *bufio.Reader) {
					readHead(in)
					if c.interim {
						io.WriteString(conn, "HTTP/1.1 103 Early Hints\r\nContent-Length: 7\r\nLink: </a>\r\n\r\n")
					}
					length := ""
					if c.length != "" {
						length = "Content-Length: " + c.length + "\r\n"
					}
					fmt.Fprintf(conn, "HTTP/1.1 %s X\r\nETag: \"x\"\r\n%s\r\n", c.status, length)
				})))
				if protocol == route.H2C {
					table = framed(t, func(f *frameServer) {
						r := f.request()
						if r == nil {
							return
						}
						if c.interim {
							f.headers(r.stream, false, ":status", "103", "content-length", "7", "link", "</a>")
						}
						pairs := []string{":status", c.status, "etag", `"x"`}
						if c.length != "" {
							pairs = append(pairs, "content-length", c.length)
						}
						f.headers(r.stream, true, pairs...)
						f.request()
					})
				}
				s := serve(t, proxy.Config{}, table)
				for _, isHTTP2 := range []bool{false, true} {
					got := s.sections(t, isHTTP2)
					final := got[len(got)-1]
					if final.status != c.status || final.fields.Get("Content-Length") != c.want || final.fields.Get("ETag") != `"x"` {
						t.Errorf("HTTP/2 %t: got %v", isHTTP2, final)
					}
					if interim := len(got) == 2; interim != c.interim {
						t.Fatalf("HTTP/2 %t: got %v", isHTTP2, got)
					}
					if c.interim && (got[0].status != "103" || got[0].fields.Get("Content-Length") != "" || got[0].fields.Get("Link") != "</a>") {
						t.Errorf("HTTP/2 %t: the interim reply is %v", isHTTP2, got[0])
					}
				}
			})
		}
	}
}

// TestTrailersOnlyReplyGetsNoLength has the reply of a gRPC service that fails at once: a single header that ends its
// stream.
func TestTrailersOnlyReplyGetsNoLength(t *testing.T) {
	s := serve(t, proxy.Config{}, framed(t, func(f *frameServer) {
		for r := f.request(); r != nil; r = f.request() {
			f.headers(r.stream, true, ":status", "200", "content-type", "application/grpc", "grpc-status", "5")
		}
	}))
	got := s.sections(t, true)
	if len(got) != 1 || got[0].fields.Get("Content-Length") != "" || got[0].fields.Get("Grpc-Status") != "5" {
		t.Errorf("got %v", got)
	}
}

// TestRepliesHaveDate: a reply without Date gets one (RFC 9110 section 6.6.1), one that has it keeps it, and so do the
// proxy's own replies, over both protocols.
func TestRepliesHaveDate(t *testing.T) {
	const dated = "Thu, 01 Jan 1970 00:00:00 GMT"
	for name, c := range map[string]struct {
		line  string
		table func(route.Route) []route.Route
	}{
		"without": {"", nil}, "with": {"Date: " + dated + "\r\n", nil},
		"404": {"", func(route.Route) []route.Route { return nil }},
	} {
		table := toAll(upstream("u", scripted(t, func(conn net.Conn, in *bufio.Reader) {
			readHead(in)
			io.WriteString(conn, "HTTP/1.1 200 OK\r\n"+c.line+"Content-Length: 2\r\n\r\nok")
		})))
		if c.table != nil {
			table.Hosts[0].Routes = c.table(table.Hosts[0].Routes[0])
		}
		s := serve(t, proxy.Config{}, table)
		for _, isHTTP2 := range []bool{false, true} {
			got := s.sections(t, isHTTP2)[0].fields["Date"]
			if len(got) != 1 {
				t.Errorf("%s, HTTP/2 %t: got Date %q", name, isHTTP2, got)
				continue
			}
			at, err := http.ParseTime(got[0])
			if age := time.Since(at); err != nil || (got[0] == dated) != (c.line != "") || c.line == "" && (age > time.Minute || age < -time.Minute) {
				t.Errorf("%s, HTTP/2 %t: got Date %q", name, isHTTP2, got)
			}
		}
	}
}

// TestDeadHTTP2ConnectionIsNotUsedAgain has an endpoint whose first connection goes dead after one reply: it accepts
// everything and answers nothing. One request may fail.
func TestDeadHTTP2ConnectionIsNotUsedAgain(t *testing.T) {
	var connections atomic.Int32
	table := framed(t, func(f *frameServer) {
		first := connections.Add(1) == 1
		for answered := 0; ; answered++ {
			r := f.request()
			if r == nil {
				return
			}
			if first && answered > 0 {
				io.Copy(io.Discard, f.conn)
				return
			}
			f.headers(r.stream, true, ":status", "200")
		}
	})
	table.Hosts[0].Routes[0].Policies = []route.Policy{policy.Timeouts{Response: 300 * time.Millisecond}}
	s := serve(t, proxy.Config{}, table)
	c := s.dial(t)
	for i, want := range []int{200, 504, 200, 200, 200} {
		c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		if reply, _ := c.reply("GET"); reply.StatusCode != want {
			t.Errorf("request %d: got %v, want %d", i, reply, want)
		}
	}
	if got := connections.Load(); got != 2 {
		t.Errorf("%d connections were made", got)
	}
}

// TestRequestsThatAnHTTP2EndpointRefusedAreSentAgain: a POST whose stream was not processed (RFC 9113 section 8.7) goes to
// the next endpoint.
func TestRequestsThatAnHTTP2EndpointRefusedAreSentAgain(t *testing.T) {
	for name, refuse := range map[string]func(f *frameServer, stream uint32){
		"GOAWAY":         func(f *frameServer, _ uint32) { f.WriteGoAway(0, http2.ErrCodeNo, nil) },
		"REFUSED_STREAM": func(f *frameServer, stream uint32) { f.WriteRSTStream(stream, http2.ErrCodeRefusedStream) },
	} {
		t.Run(name, func(t *testing.T) {
			refusing := framed(t, func(f *frameServer) {
				if r := f.request(); r != nil {
					refuse(f, r.stream)
					f.request()
				}
			})
			accepting := h2c(t, func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
			refusing.Upstreams[0].Endpoints = append(refusing.Upstreams[0].Endpoints, accepting.Upstreams[0].Endpoints...)
			s := serve(t, proxy.Config{}, refusing)
			c := s.dial(t)
			for range 4 { // each endpoint is the first of some
				c.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello")
				if reply, body := c.reply("POST"); reply.StatusCode != http.StatusOK || body != "hello" {
					t.Errorf("got %v, %q", reply, body)
				}
			}
		})
	}
}

// TestFloodOfInterimRepliesIsEnded has an endpoint that sends more of them than a header may be large.
func TestFloodOfInterimRepliesIsEnded(t *testing.T) {
	s := serve(t, proxy.Config{}, toAll(upstream("u", scripted(t, func(conn net.Conn, in *bufio.Reader) {
		readHead(in)
		for range 20_000 {
			if _, err := io.WriteString(conn, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"); err != nil {
				return
			}
		}
		io.WriteString(conn, okReply)
	}))))
	for _, isHTTP2 := range []bool{false, true} {
		got := s.sections(t, isHTTP2)
		if final := got[len(got)-1]; final.status != "502" || len(got) < 2 {
			t.Errorf("HTTP/2 %t: got %v after %d replies", isHTTP2, final, len(got))
		}
	}
}

// TestReplyBeforeTheBody has an endpoint that answers before the body has come. A small body is discarded and the
// connection goes on; with a large one, the reply says that it ends (RFC 9112 section 9.6).
func TestReplyBeforeTheBody(t *testing.T) {
	for _, protocol := range endpointProtocols() {
		t.Run(protocol.String(), func(t *testing.T) {
			table := toAll(upstream("u", scripted(t, func(conn net.Conn, in *bufio.Reader) {
				for {
					request, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					reply := okReply
					if request.Method == http.MethodPost {
						reply = "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"
					}
					io.WriteString(conn, reply)
					io.Copy(io.Discard, request.Body) // the client can be fast enough that the endpoint gets it
				}
			})))
			if protocol == route.H2C {
				table = h2c(t, func(w http.ResponseWriter, r *http.Request) {
					if r.Method == http.MethodGet {
						io.WriteString(w, "ok")
						return
					}
					w.WriteHeader(http.StatusForbidden)
					io.WriteString(w, "no")
				})
			}
			s := serve(t, proxy.Config{}, table)
			c := s.dial(t)
			c.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n")
			if reply, body := c.reply("POST"); reply.StatusCode != http.StatusForbidden || body != "no" || reply.Close {
				t.Errorf("got %v, %q", reply, body)
			}
			c.send("helloGET /second HTTP/1.1\r\nHost: h\r\n\r\n")
			if reply, body := c.reply("GET"); reply.StatusCode != http.StatusOK || body != "ok" {
				t.Errorf("the next request got %v, %q", reply, body)
			}
			c.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 70000\r\n\r\n")
			if reply, _ := c.reply("POST"); reply.StatusCode != http.StatusForbidden || !reply.Close {
				t.Errorf("with a large body: got %v", reply)
			}
			c.ended()
		})
	}
}

// TestUpgradeBeforeTheBodyIsComplete has an endpoint that changes protocols at once. It must get the body and then every
// byte of the new protocol (RFC 9110 section 7.8).
func TestUpgradeBeforeTheBodyIsComplete(t *testing.T) {
	for name, c := range map[string]struct{ framing, first, second, want string }{
		"length":  {"Content-Length: 10", "AAAAABBBBB<frame0>", "<frame1>", "AAAAABBBBB<frame0><frame1>"},
		"chunked": {"Transfer-Encoding: chunked", "5\r\nAAAAA\r\n5\r\nBBBBB\r\n0\r\n\r\n<frame0>", "<frame1>", "AAAAABBBBB<frame0><frame1>"},
	} {
		t.Run(name, func(t *testing.T) {
			replied, got := make(chan struct{}), make(chan string, 1)
			s := serve(t, proxy.Config{}, toAll(upstream("u", scripted(t, func(conn net.Conn, in *bufio.Reader) {
				request, err := http.ReadRequest(in)
				if err != nil {
					return
				}
				io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\nContent-Length: 3\r\n\r\n<hello>")
				replied <- struct{}{}
				body, _ := io.ReadAll(request.Body)
				rest, _ := io.ReadAll(in)
				got <- string(body) + string(rest)
			}))))
			for range 20 {
				client := s.dial(t)
				client.send("POST / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n%s\r\n\r\n", c.framing)
				<-replied
				client.send("%s", c.first)
				client.send("%s", c.second)
				reply, _ := client.reply("POST")
				if reply.StatusCode != http.StatusSwitchingProtocols || reply.Header.Get("Content-Length") != "" {
					t.Fatalf("got %v", reply)
				}
				client.Conn.(*net.TCPConn).CloseWrite()
				if text := <-got; text != c.want {
					t.Fatalf("the endpoint got %q, want %q", text, c.want)
				}
				if text, err := io.ReadAll(client.in); string(text) != "<hello>" || err != nil {
					t.Fatalf("the client got %q, %v", text, err)
				}
			}
		})
	}
}
