package upstream

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// asked makes a connection and its other end.
func asked(t *testing.T) (*Conn, *net.TCPConn) {
	t.Helper()
	registry, accepted := peers(t, 2)
	c := dial(t, registry.Pool(address(), nil))
	other := (<-accepted).(*net.TCPConn)
	t.Cleanup(func() { other.Close() })
	return c, other
}

func ask(t *testing.T, c *Conn, request []byte, limit time.Duration) error {
	t.Helper()
	now := time.Now()
	if err := errors.Join(c.Ask(request), c.ExtendRead(now, limit), c.ExtendWrite(now, limit)); err != nil {
		t.Fatal(err)
	}
	return c.In.Fill()
}

func TestAsk(t *testing.T) {
	c, other := asked(t)
	go io.Copy(other, other)
	for _, request := range []string{"first", "second", "third"} {
		if err := ask(t, c, []byte(request), time.Minute); err != nil || string(c.In.Peek()) != request {
			t.Errorf("asked %q, got %q, %v", request, c.In.Peek(), err)
		}
		c.In.Discard(c.In.Buffered())
	}
}

// What the connection does not take at once follows.
func TestAskMuch(t *testing.T) {
	c, other := asked(t)
	request := bytes.Repeat([]byte("much "), 4<<20)
	got := make(chan []byte, 1)
	go func() {
		all := make([]byte, len(request))
		time.Sleep(2 * unseen)
		_, _ = io.ReadFull(other, all)
		got <- all
		time.Sleep(2 * unseen)
		other.Write([]byte("thanks"))
	}()
	if err := ask(t, c, request, time.Minute); err != nil || string(c.In.Peek()) != "thanks" {
		t.Errorf("the reply is %q, %v", c.In.Peek(), err)
	}
	if !bytes.Equal(<-got, request) {
		t.Error("the request did not get through whole")
	}
}

// An endpoint that has ended the connection before it is asked, and does not even reset it when it is.
func TestAskWhoIsGone(t *testing.T) {
	c, other := asked(t)
	other.CloseWrite()
	time.Sleep(20 * time.Millisecond) // the runtime has seen it by now, and nobody waited
	started := time.Now()
	if err := ask(t, c, []byte("anybody there?"), time.Minute); !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want the end of the connection", err)
	}
	if waited := time.Since(started); waited > 10*time.Second {
		t.Errorf("it was noticed after %v only", waited)
	}
}

func TestAskWhoHasReset(t *testing.T) {
	c, other := asked(t)
	other.SetLinger(0)
	other.Close()
	time.Sleep(20 * time.Millisecond)
	err := ask(t, c, []byte("anybody there?"), time.Minute)
	var system *net.OpError
	if !errors.As(err, &system) || system.Timeout() {
		t.Errorf("got %v, want an error of the connection", err)
	}
	if c.asking.unsent != nil {
		t.Error("the next request would be preceded by this one")
	}
}

func TestAskWhoIsSlow(t *testing.T) {
	c, other := asked(t)
	for _, limit := range []time.Duration{unseen / 4, 2 * unseen} {
		started := time.Now()
		if err := ask(t, c, []byte("hurry!"), limit); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %v, want the end of the time limit", err)
		}
		if waited := time.Since(started); waited < limit {
			t.Errorf("a limit of %v lasted %v", limit, waited)
		}
	}
	time.AfterFunc(2*unseen, func() { other.Write([]byte("at last")) })
	if err := ask(t, c, []byte("take your time"), time.Minute); err != nil || string(c.In.Peek()) != "at last" {
		t.Errorf("a reply after more than %v is %q, %v", unseen, c.In.Peek(), err)
	}
}

func TestAskWhoPausesWithinTheHeader(t *testing.T) {
	c, other := asked(t)
	time.AfterFunc(unseen/4, func() { other.Write([]byte("HTTP/1.1 200")) })
	time.AfterFunc(2*unseen, func() { other.Write([]byte(" OK\r\n\r\n")) })
	now := time.Now()
	if err := errors.Join(c.Ask([]byte("take your time")), c.ExtendRead(now, time.Minute)); err != nil {
		t.Fatal(err)
	}
	if head, err := c.In.ReadHeader(1 << 10); err != nil || string(head) != "HTTP/1.1 200 OK\r\n\r\n" {
		t.Errorf("the header is %q, %v", head, err)
	}
}
