package proxy_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/proxy"
)

func TestDrain(t *testing.T) {
	started, finish := make(chan struct{}), make(chan struct{})
	slow := backend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(started)
			<-finish
		}
		io.WriteString(w, "done")
	})
	s, stop, ended := start(t, proxy.Config{}, toAll(upstream("u", slow)), listen(t), nil)

	idle, busy := s.dial(t), s.dial(t)
	idle.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	idle.reply("GET")
	busy.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
	<-started
	stop()
	idle.ended()
	for stopped := time.Now(); ; { // those that wait at the end are accepted for a moment
		conn, err := net.Dial("tcp", s.plain)
		if err != nil {
			break
		}
		conn.Close()
		if time.Since(stopped) > 5*time.Second {
			t.Fatal("new connections are still accepted")
		}
	}
	close(finish)
	if reply, body := busy.reply("GET"); body != "done" || !reply.Close {
		t.Errorf("the running request got %q, %v", body, reply)
	}
	busy.ended()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("Serve: %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Error("Serve did not return")
	}
}

// TestConnectionLimit has as many clients as there may be: while their requests run a further one waits, and when one
// is idle it is closed for the further one.
func TestConnectionLimit(t *testing.T) {
	arrived, release := make(chan struct{}, 3), make(chan struct{})
	s := one(t, proxy.Config{Limits: proxy.Limits{Connections: 2}}, func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		<-release
	})
	first, second := s.dial(t), s.dial(t)
	for _, c := range []*raw{first, second} {
		c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		<-arrived
	}
	third := s.dial(t)
	third.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	third.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	var timeout net.Error
	if _, err := third.in.ReadByte(); !errors.As(err, &timeout) || !timeout.Timeout() || len(arrived) > 0 {
		t.Errorf("the third connection was served: %v", err)
	}
	close(release)
	for _, c := range []*raw{first, second, third} {
		c.SetReadDeadline(time.Now().Add(5 * time.Second))
		if reply, _ := c.reply("GET"); reply.StatusCode != http.StatusOK {
			t.Errorf("got %v", reply)
		}
	}
}
