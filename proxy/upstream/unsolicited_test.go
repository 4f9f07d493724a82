package upstream

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"testing"

	xhttp2 "golang.org/x/net/http2"

	"github.com/ingress-testbed/testbed/proxy/route"
)

const (
	okReply       = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	smuggledReply = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled"
)

// requests are of every kind that is sent in another way.
var requests = []string{ //nolint:gochecknoglobals // a table that is never changed
	get,
	"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody",
	"DELETE / HTTP/1.1\r\nHost: h\r\n\r\n",
}

// serveOnce answers the first request of each connection, writes unsolicited bytes, reports that, and fails the test if another
// request follows.
func serveOnce(t *testing.T, in io.Reader, unasked func(head bool), done chan<- struct{}) {
	reader := bufio.NewReader(in)
	r, err := readRequest(reader)
	if err != nil {
		return
	}
	unasked(r.Method == http.MethodHead)
	done <- struct{}{}
	if r, err := readRequest(reader); err == nil {
		t.Errorf("%s was sent on a connection with unsolicited bytes", r.Method)
	}
}

// expectOnce sends requests of all kinds, each of which must get the reply that is meant for it.
func expectOnce(t *testing.T, pool *Pool, rounds, status int, body string, done <-chan struct{}) {
	t.Helper()
	for i := range rounds {
		text := requests[i%len(requests)]
		call := newCall(t, text)
		if i%5 == 4 { // sent by a sender
			setRequest(t, call, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody")
			body := &testBody{pieces: make(chan []byte), client: call.Client.(*testClient)}
			call.Body = body
			go func() {
				body.pieces <- []byte("body")
				close(body.pieces)
			}()
		}
		want := body
		if string(call.Request.Method) == "HEAD" {
			want = ""
		}
		if got := do(pool, call); got.err != nil || got.status != status || got.body != want {
			t.Fatalf("%d: %.10q got %v", i, text, got)
		}
		<-done
	}
}

// An unsolicited reply goes to no client, whenever it is written: 10,000 times in all.
func TestUnsolicitedBytes(t *testing.T) {
	for name, c := range map[string]struct {
		write  func(conn io.Writer, head bool)
		status int
		body   string
	}{
		"a late reply": {func(conn io.Writer, head bool) {
			io.WriteString(conn, reply(head))
			io.WriteString(conn, smuggledReply)
		}, 200, "ok"},
		"a reply in the same segment": {func(conn io.Writer, head bool) {
			io.WriteString(conn, reply(head)+smuggledReply)
		}, 200, "ok"},
		"half a reply": {func(conn io.Writer, head bool) {
			io.WriteString(conn, reply(head))
			io.WriteString(conn, "H")
		}, 200, "ok"},
		"a body after 204": {func(conn io.Writer, _ bool) {
			io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
			io.WriteString(conn, smuggledReply)
		}, 204, ""},
		"chunks after 304": {func(conn io.Writer, _ bool) {
			io.WriteString(conn, "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n")
			io.WriteString(conn, "0\r\n\r\n")
		}, 304, ""},
		"a body after HEAD": {func(conn io.Writer, head bool) {
			io.WriteString(conn, reply(head))
			io.WriteString(conn, "ok")
		}, 200, "ok"},
	} {
		t.Run(name, func(t *testing.T) {
			done := make(chan struct{}, 1)
			pool := listen(t, route.HTTP1, func(_ int, conn net.Conn) {
				serveOnce(t, conn, func(head bool) { c.write(conn, head) }, done)
			})
			expectOnce(t, pool, 1700, c.status, c.body, done)
		})
	}
}

// reply is okReply, without its body after HEAD.
func reply(head bool) string {
	if head {
		return okReply[:len(okReply)-2]
	}
	return okReply
}

// The same over TLS, where crypto/tls reads more than it hands out.
func TestUnsolicitedBytesOverTLS(t *testing.T) {
	certificate := newCertificate(t)
	for name, write := range map[string]func(conn *tls.Conn, under *gathering, head bool){
		"a late reply": func(conn *tls.Conn, _ *gathering, head bool) {
			io.WriteString(conn, reply(head))
			io.WriteString(conn, smuggledReply)
		},
		"a record in the same segment": func(conn *tls.Conn, under *gathering, head bool) {
			under.hold()
			io.WriteString(conn, reply(head))
			io.WriteString(conn, smuggledReply)
			under.letGo(0)
		},
		"the beginning of a record in the same segment": func(conn *tls.Conn, under *gathering, head bool) {
			under.hold()
			io.WriteString(conn, reply(head))
			io.WriteString(conn, smuggledReply)
			under.letGo(1)
		},
		"a byte of a record": func(conn *tls.Conn, under *gathering, head bool) {
			io.WriteString(conn, reply(head))
			under.Conn.Write([]byte{23})
		},
		"close_notify": func(conn *tls.Conn, under *gathering, head bool) {
			io.WriteString(conn, reply(head))
			conn.CloseWrite()
		},
		"the end without close_notify": func(conn *tls.Conn, under *gathering, head bool) {
			io.WriteString(conn, reply(head))
			under.Conn.(*net.TCPConn).CloseWrite()
		},
	} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			t.Run(tls.VersionName(version)+" "+name, func(t *testing.T) {
				done := make(chan struct{}, 1)
				config := &tls.Config{Certificates: []tls.Certificate{certificate}, MaxVersion: version}
				pool := listen(t, route.HTTPS, func(_ int, conn net.Conn) {
					under := &gathering{Conn: conn}
					secure := tls.Server(under, config)
					serveOnce(t, secure, func(head bool) { write(secure, under, head) }, done)
				})
				expectOnce(t, pool, 100, 200, "ok", done)
			})
		}
	}
}

// The same over HTTP/2: frames of streams that were not opened, or that have ended.
func TestUnsolicitedFrames(t *testing.T) {
	for name, c := range map[string]struct {
		write func(f *framer, under *gathering, id uint32)
		kept  bool
	}{
		"the next reply": {write: func(f *framer, _ *gathering, id uint32) {
			f.headers(id+2, false, ":status", "200")
			f.WriteData(id+2, true, []byte("smuggled"))
		}},
		"a reply of a later stream": {write: func(f *framer, _ *gathering, id uint32) {
			f.headers(id+4, true, ":status", "200")
		}},
		"more of the last reply":         {write: func(f *framer, _ *gathering, id uint32) { f.WriteData(id, true, []byte("smuggled")) }},
		"another header of the last one": {write: func(f *framer, _ *gathering, id uint32) { f.headers(id, true, ":status", "200") }},
		"a pushed stream":                {write: func(f *framer, _ *gathering, id uint32) { f.headers(2, true, ":status", "200") }},
		"the beginning of a frame":       {write: func(_ *framer, under *gathering, _ uint32) { under.Conn.Write([]byte{0, 0}) }},
		"GOAWAY":                         {write: func(f *framer, _ *gathering, id uint32) { f.WriteGoAway(id, xhttp2.ErrCodeNo, nil) }},
		"a reset of the next stream":     {write: func(f *framer, _ *gathering, id uint32) { f.WriteRSTStream(id+2, xhttp2.ErrCodeNo) }},
		"what belongs to the connection": {write: func(f *framer, _ *gathering, _ uint32) { f.WritePing(false, [8]byte{1}); f.WriteWindowUpdate(0, 1) }, kept: true},
		"what may follow the last stream": {write: func(f *framer, _ *gathering, id uint32) {
			f.WriteRSTStream(id, xhttp2.ErrCodeNo)
			f.WriteWindowUpdate(id, 1)
		}, kept: true},
	} {
		for _, protocol := range []route.Protocol{route.H2C, route.H2} {
			t.Run(protocol.String()+" "+name, func(t *testing.T) {
				done := make(chan struct{}, 1)
				config := &tls.Config{Certificates: []tls.Certificate{newCertificate(t)}, NextProtos: []string{"h2"}}
				pool := listen(t, protocol, func(connection int, conn net.Conn) {
					if c.kept && connection > 1 {
						t.Error("the connection was not used again")
					}
					under := &gathering{Conn: conn}
					var wire io.ReadWriter = under
					if protocol.Secure() {
						wire = tls.Server(under, config)
					}
					f := newFramer(t, wire)
					for number := 0; f != nil; number++ {
						s := f.whole()
						if s == nil {
							return
						}
						if number > 0 && !c.kept {
							t.Error("the connection was used again")
						}
						if s.fields[":method"] == "HEAD" {
							f.headers(s.id, true, ":status", "200")
						} else {
							f.headers(s.id, false, ":status", "200")
							f.WriteData(s.id, true, []byte("ok"))
						}
						c.write(f, under, s.id)
						done <- struct{}{}
					}
				})
				expectOnce(t, pool, 40, 200, "ok", done)
			})
		}
	}
}
