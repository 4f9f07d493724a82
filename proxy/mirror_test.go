package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/policy/mirroring"
	"github.com/ingress-testbed/testbed/proxy/policy/policytest"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// mirrored serves a route with a mirror, and returns what the mirror's server gets, a line for each request.
func mirrored(t *testing.T, p mirroring.Mirror, more ...route.Policy) (s served, copies <-chan string) {
	seen := make(chan string, 1000)
	table := toAll(upstream("u", backend(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprint(w, len(body))
	})))
	table.Upstreams = append(table.Upstreams, upstream("m", backend(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if len(body) > 10 {
			body = fmt.Appendf(nil, "%d bytes", len(body))
		}
		seen <- fmt.Sprintf("%s %s %s %s %q x=%s forwarded=%q length=%d", r.Method, r.RequestURI, r.Proto, r.Host, body,
			r.Header.Get("X-A"), r.Header.Get("X-Forwarded-For"), r.ContentLength)
		w.WriteHeader(http.StatusInternalServerError)
	})))
	p.Upstream = "m"
	table.Hosts[0].Routes[0].Policies = append([]route.Policy{p}, more...)
	return serve(t, proxy.Config{}, table), seen
}

// nextCopy is the next copy; "none" if there is none for a while.
func nextCopy(copies <-chan string, patience time.Duration) string {
	select {
	case seen := <-copies:
		return seen
	case <-time.After(patience):
		return "none"
	}
}

func TestMirror(t *testing.T) {
	const post = "POST /a%20b?c HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nX-Forwarded-For: 9.9.9.9\r\n"
	large := strings.Repeat("x", 1<<20)
	for name, c := range map[string]struct {
		mirror  mirroring.Mirror
		request string
		want    string
	}{
		"GET":         {mirroring.Mirror{Host: "m:1", Path: "/m$request_uri", Body: true}, "GET /?b HTTP/1.1\r\nHost: h\r\n\r\n", `GET /m/?b HTTP/1.1 m:1 "" x= forwarded="" length=0`},
		"POST":        {mirroring.Mirror{Host: "m", Path: "$request_uri", Body: true}, post + "Content-Length: 4\r\n\r\ntext", `POST /a%20b?c HTTP/1.1 m "text" x=1 forwarded="" length=4`},
		"no body":     {mirroring.Mirror{Host: "m", Path: "$uri"}, post + "Content-Length: 4\r\n\r\ntext", `POST /a%20b HTTP/1.1 m "" x=1 forwarded="" length=0`},
		"chunked":     {mirroring.Mirror{Host: "m", Path: "/", Body: true}, post + "Transfer-Encoding: chunked\r\n\r\n4\r\ntext\r\n0\r\n\r\n", `POST / HTTP/1.1 m "text" x=1 forwarded="" length=4`},
		"HTTP/1.0":    {mirroring.Mirror{Host: "m", Path: "/", Body: true, HTTP10: true}, post + "Content-Length: 4\r\n\r\ntext", `POST / HTTP/1.0 m "text" x=1 forwarded="" length=4`},
		"as large as": {mirroring.Mirror{Host: "m", Path: "/", Body: true}, post + "Content-Length: 1048576\r\n\r\n" + large, `POST / HTTP/1.1 m "1048576 bytes" x=1 forwarded="" length=1048576`},
		"too large":   {mirroring.Mirror{Host: "m", Path: "/", Body: true}, post + "Content-Length: 1048577\r\n\r\nx" + large, "none"},
		"too long":    {mirroring.Mirror{Host: "m", Path: "/", Body: true}, post + "Transfer-Encoding: chunked\r\n\r\n100001\r\nx" + large + "\r\n0\r\n\r\n", "none"},
	} {
		t.Run(name, func(t *testing.T) {
			s, copies := mirrored(t, c.mirror)
			conn := s.dial(t)
			conn.send("%s", c.request)
			if reply, _ := conn.reply("POST"); reply.StatusCode != http.StatusOK {
				t.Errorf("got %d", reply.StatusCode)
			}
			patience := 5 * time.Second
			if c.want == "none" {
				patience = 200 * time.Millisecond
			}
			if got := nextCopy(copies, patience); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
	policytest.Distinct(t, mirroring.Mirror{}, mirroring.Mirror{Upstream: "m"}, mirroring.Mirror{Host: "m"}, mirroring.Mirror{Path: "/"},
		mirroring.Mirror{Body: true}, mirroring.Mirror{HTTP10: true})
}

// TestMirrorOfRefusedRequests has a policy that answers, and a client that leaves before its body has ended: nothing is copied.
func TestMirrorOfRefusedRequests(t *testing.T) {
	s, copies := mirrored(t, mirroring.Mirror{Host: "m", Path: "/", Body: true}, policy.BodySize{Bytes: 10})
	conn := s.dial(t)
	conn.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 20\r\n\r\n")
	if reply, _ := conn.reply("POST"); reply.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d", reply.StatusCode)
	}
	conn = s.dial(t)
	conn.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 8\r\n\r\nhalf")
	conn.Close()
	if got := nextCopy(copies, 200*time.Millisecond); got != "none" {
		t.Errorf("got %s", got)
	}
}

// TestDeadMirror has a server that never answers, and more requests than copies may be under way: clients don't notice.
func TestDeadMirror(t *testing.T) {
	release := make(chan struct{})
	table := toAll(upstream("u", backend(t, func(http.ResponseWriter, *http.Request) {})))
	table.Upstreams = append(table.Upstreams, upstream("m", backend(t, func(http.ResponseWriter, *http.Request) { <-release })))
	t.Cleanup(func() { close(release) })
	table.Hosts[0].Routes[0].Policies = []route.Policy{mirroring.Mirror{Upstream: "m", Host: "m", Path: "/", Body: true}}
	s := serve(t, proxy.Config{}, table)
	began := time.Now()
	for range 300 {
		if status, _, _ := s.get(t, "http://h/"); status != http.StatusOK {
			t.Fatalf("got %d", status)
		}
	}
	if took := time.Since(began); took > 8*time.Second { // the mirror's limit is 10 s
		t.Errorf("it took %s", took)
	}
}
