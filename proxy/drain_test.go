package proxy_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// serveUntil serves plain text until stop. What Serve then returns comes on ended.
func serveUntil(t *testing.T, config proxy.Config, table *route.Table) (s served, stop func(), ended <-chan error) {
	t.Helper()
	server, err := proxy.New(config)
	if err != nil {
		t.Fatal(err)
	}
	server.Apply(table)
	plain := listen(t)
	ctx, stop := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() { result <- server.Serve(ctx, plain, nil) }()
	return served{Server: server, plain: plain.Addr().String()}, stop, result
}

func TestDrain(t *testing.T) {
	started, finish := make(chan struct{}), make(chan struct{})
	slow := backend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(started)
			<-finish
		}
		io.WriteString(w, "done")
	})
	s, stop, ended := serveUntil(t, proxy.Config{}, toAll(upstream("u", slow)))

	idle, busy := s.dial(t), s.dial(t)
	idle.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	idle.reply("GET")
	busy.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
	<-started
	stop()
	idle.ended()
	if conn, err := net.Dial("tcp", s.plain); err == nil {
		conn.Close()
		t.Error("new connections are still accepted")
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

func TestDrainEndsAfterItsLimit(t *testing.T) {
	hangs := scripted(t, func(conn net.Conn, in *bufio.Reader) { io.Copy(io.Discard, in) })
	s, stop, ended := serveUntil(t, proxy.Config{Timeouts: proxy.Timeouts{Drain: 50 * time.Millisecond}}, toAll(upstream("u", hangs)))
	c := s.dial(t)
	c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	time.Sleep(20 * time.Millisecond)
	started := time.Now()
	stop()
	if _, err := http.ReadResponse(c.in, nil); err == nil {
		t.Error("the hanging request got a reply")
	}
	if err := <-ended; err != nil || time.Since(started) > 5*time.Second {
		t.Errorf("got %v after %v", err, time.Since(started))
	}
}

func TestTimeoutsOfClients(t *testing.T) {
	s := one(t, proxy.Config{Timeouts: proxy.Timeouts{
		Header: 100 * time.Millisecond, Idle: 200 * time.Millisecond, Body: 100 * time.Millisecond,
	}}, echoBody)
	t.Run("idle", func(t *testing.T) { s.dial(t).ended() })
	t.Run("header", func(t *testing.T) {
		c := s.dial(t)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for range 20 { // a byte now and then does not help
				if _, err := io.WriteString(c, "G"); err != nil {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
		}()
		if reply, _ := c.reply("GET"); reply.StatusCode != http.StatusRequestTimeout {
			t.Errorf("got %v", reply)
		}
		<-ended
	})
	t.Run("body", func(t *testing.T) {
		c := s.dial(t)
		c.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nonly")
		if reply, _ := c.reply("POST"); reply.StatusCode != http.StatusRequestTimeout || !reply.Close {
			t.Errorf("got %v", reply)
		}
	})
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
