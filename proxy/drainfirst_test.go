package proxy_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"github.com/ingress-testbed/testbed/proxy"
)

// held is a listener that accepts nothing before it is released: connections wait in the kernel, as on a busy machine.
type held struct {
	*net.TCPListener
	release <-chan struct{}
}

func (h held) Accept() (net.Conn, error) {
	<-h.release
	return h.TCPListener.Accept()
}

// TestConnectionsThatWaitAreServed has a connection in the kernel's queue when the server stops. Closing the listener would
// reset it.
func TestConnectionsThatWaitAreServed(t *testing.T) {
	answering := backend(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "done") })
	release := make(chan struct{})
	listener := listen(t)
	tcp, is := listener.(*net.TCPListener)
	if !is {
		t.Fatalf("the listener is a %T", listener)
	}
	stopping := make(chan struct{})
	s, stop, ended := start(t, proxy.Config{}, toAll(upstream("u", answering)), deadlined{held{tcp, release}, stopping}, nil)
	waiting := s.dial(t)
	waiting.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	stop()
	<-stopping
	close(release)
	if reply, body := waiting.reply("GET"); body != "done" || !reply.Close {
		t.Errorf("the request that waited got %q, %v", body, reply)
	}
	waiting.ended()
	if err := <-ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

// deadlined signals that its deadline was set, which is as far away as the test needs.
type deadlined struct {
	held
	set chan struct{}
}

func (d deadlined) SetDeadline(time.Time) error {
	close(d.set)
	return d.held.SetDeadline(time.Now().Add(500 * time.Millisecond))
}

// TestTheFirstRequestIsServedWhileDraining has a connection on which no request has come when the server stops.
func TestTheFirstRequestIsServedWhileDraining(t *testing.T) {
	inFakeTime(t, func(b bubble) {
		table := toAll(upstream("u", b.scripted(func(conn net.Conn, in *bufio.Reader) {
			readHead(in)
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone")
		})))
		config := proxy.Config{Timeouts: proxy.Timeouts{Drain: time.Minute}, DialContext: b.network.DialContext}
		s, stop, ended := start(b, config, table, b.network.Listen(), nil)
		s.dialContext = b.network.DialContext
		first, silent := b.dial(s), b.dial(s)
		synctest.Wait()
		started := time.Now()
		stop()
		synctest.Wait()
		first.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		if reply, body := first.reply("GET"); body != "done" || !reply.Close {
			b.Errorf("the first request got %q, %v", body, reply)
		}
		first.ended()
		silent.ended()
		if err := <-ended; err != nil {
			b.Error(err)
		}
		b.passed("the drain", started, 5*time.Second)
	})
}

// TestLeaving has replies end their connections while others are still accepted.
func TestLeaving(t *testing.T) {
	s := one(t, proxy.Config{}, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "done") })
	before := s.dial(t)
	before.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	if reply, _ := before.reply("GET"); reply.Close {
		t.Fatal("the connection is closed already")
	}
	s.Leave()
	for name, client := range map[string]*raw{"a connection from before": before, "a new connection": s.dial(t)} {
		client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		if reply, body := client.reply("GET"); body != "done" || !reply.Close {
			t.Errorf("on %s the client got %q, %v", name, body, reply)
		}
		client.ended()
	}
}

// TestLeavingOverHTTP2 has a request run when the server leaves. Its client learns at once that it should open no more streams
// on the connection, those that it opens before it knows are served, and so is a client that connects later.
func TestLeavingOverHTTP2(t *testing.T) {
	arrived, hold := make(chan struct{}, 3), make(chan struct{})
	finish := sync.OnceFunc(func() { close(hold) })
	s := one(t, proxy.Config{}, func(w http.ResponseWriter, _ *http.Request) {
		arrived <- struct{}{}
		<-hold
		io.WriteString(w, "done")
	})
	t.Cleanup(finish)
	before := s.frames(t)
	before.get(1)
	<-arrived
	s.Leave()
	ping := before.awaitLeaving(1<<31 - 1)
	before.get(3)
	<-arrived
	before.WritePing(true, ping)
	before.awaitLeaving(3)
	later := s.frames(t)
	later.get(1)
	<-arrived
	later.awaitLeaving(1<<31 - 1)
	finish()
	for name, client := range map[string]*frames{"the connection from before": before, "a new connection": later} {
		if err := client.awaitEnd(1); err != nil {
			t.Errorf("on %s, the reply doesn't end: %v", name, err)
		}
	}
}

// awaitLeaving reads frames until GOAWAY without an error. With the first of two, it returns the payload of the PING that follows.
func (f *frames) awaitLeaving(last uint32) (ping [8]byte) {
	f.t.Helper()
	pinged := last != 1<<31-1
	found := false
	err := f.await(func(frame http2.Frame) bool {
		switch frame := frame.(type) {
		case *http2.GoAwayFrame:
			found = frame.LastStreamID == last && frame.ErrCode == http2.ErrCodeNo
		case *http2.PingFrame:
			ping, pinged = frame.Data, true
		}
		return found && pinged
	})
	if err != nil {
		f.t.Fatalf("waiting for GOAWAY with the last stream %d: %v", last, err)
	}
	return ping
}

// TestLeavingLosesNoRequest has a client of net/http make requests, which it may not repeat, over one connection of HTTP/2 when
// the server leaves.
func TestLeavingLosesNoRequest(t *testing.T) {
	s := one(t, proxy.Config{}, echoBody)
	client := s.client(t)
	client.Transport.(*http.Transport).DisableKeepAlives = false
	defer client.CloseIdleConnections()
	var group sync.WaitGroup
	var made atomic.Int64
	for range 8 {
		group.Go(func() {
			for range 200 {
				made.Add(1)
				reply, err := client.Post("https://h/", "text/plain", strings.NewReader("a body"))
				if err != nil {
					t.Error(err)
					return
				}
				body, err := io.ReadAll(reply.Body)
				reply.Body.Close()
				if err != nil || string(body) != "a body" || reply.ProtoMajor != 2 {
					t.Errorf("got %q over %s, %v", body, reply.Proto, err)
				}
			}
		})
	}
	for made.Load() < 400 {
		runtime.Gosched()
	}
	s.Leave()
	group.Wait()
}
