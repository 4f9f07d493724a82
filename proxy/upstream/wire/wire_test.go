package wire

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// FuzzRecords cuts records into pieces: whether one is incomplete does not depend on how it came.
func FuzzRecords(f *testing.F) {
	f.Add([]byte{23, 3, 3, 0, 2, 1, 2, 21, 3, 3, 0, 0}, 3)
	f.Add([]byte{23, 3, 3, 1}, 1)
	f.Fuzz(func(t *testing.T, text []byte, size int) {
		var whole, pieces recordReader
		whole.follow(text)
		for rest := text; len(rest) > 0; {
			n := min(max(size, 1), len(rest))
			pieces.follow(rest[:n])
			rest = rest[n:]
		}
		want := false
		for rest := text; len(rest) > 0; {
			if want = len(rest) < recordHeader || len(rest) < recordHeader+int(rest[3])<<8+int(rest[4]); want {
				break
			}
			rest = rest[recordHeader+int(rest[3])<<8+int(rest[4]):]
		}
		if whole.within() != want || pieces.within() != want {
			t.Errorf("%v: whole %t, in pieces %t, want %t", text, whole.within(), pieces.within(), want)
		}
	})
}

// pair makes a link and its other end, whose kernel takes little at once: segments as small as they are outside of loopback,
// and a small buffer.
func pair(t *testing.T) (*Link, *net.TCPConn) {
	t.Helper()
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) {
			unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, 1000)
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 8<<10)
		})
	}}
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	other, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	l := new(Link)
	if err := l.Connect(context.Background(), conn, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		l.Close()
		other.Close()
	})
	return l, other.(*net.TCPConn)
}

// exchange sends a request and reads once.
func exchange(l *Link, request []byte, limit time.Duration) (string, error) {
	now := time.Now()
	l.LimitSend(limit)
	if err := errors.Join(l.Send(request), l.ExtendRead(now, limit)); err != nil {
		return "", err
	}
	buffer := make([]byte, 1024)
	n, err := l.Read(buffer)
	return string(buffer[:n]), err
}

func TestWriteThenRead(t *testing.T) {
	l, other := pair(t)
	go io.Copy(other, other)
	for _, request := range []string{"first", "second", "third"} {
		if got, err := exchange(l, []byte(request), time.Minute); err != nil || got != request || l.Pending() {
			t.Errorf("sent %q, got %q, %v", request, got, err)
		}
	}
	if n, err := l.Probe(make([]byte, 1)); n != 0 || err != nil {
		t.Errorf("the probe of a silent connection has read %d bytes, %v", n, err)
	}
}

// What the connection does not take at once follows.
func TestLargeRequest(t *testing.T) {
	l, other := pair(t)
	request := bytes.Repeat([]byte("much "), 4<<20)
	got := make(chan []byte, 1)
	go func() {
		all := make([]byte, len(request))
		_, _ = io.ReadFull(other, all)
		got <- all
		other.Write([]byte("thanks"))
	}()
	if reply, err := exchange(l, request, time.Minute); err != nil || reply != "thanks" {
		t.Errorf("the reply is %q, %v", reply, err)
	}
	if !bytes.Equal(<-got, request) {
		t.Error("the request did not get through as it was")
	}
}

// A write lasts as long as the endpoint takes something, also when that is too little for the kernel, which has much to
// send already, to accept more.
func TestWriteThatIsTakenSlowly(t *testing.T) {
	t.Parallel()
	l, other := pair(t)
	if err := l.NetConn().(*net.TCPConn).SetWriteBuffer(1 << 20); err != nil { // so that it does not grow
		t.Fatal(err)
	}
	l.LimitSend(1500 * time.Millisecond)
	ended := make(chan error, 1)
	go func() { ended <- l.Write(make([]byte, 64<<20)) }()
	for range 100 { // 200 KiB in 5 s
		<-time.After(50 * time.Millisecond)
		if _, err := io.ReadFull(other, make([]byte, 2<<10)); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-ended:
			t.Fatalf("the write has ended: %v", err)
		default:
		}
	}
	if err := <-ended; !errors.Is(err, ErrSlowSend) {
		t.Errorf("when nothing more was taken, got %v", err)
	}
}

// An endpoint that does not take a large request in time is not one that does not answer.
func TestSlowSend(t *testing.T) {
	l, _ := pair(t)
	if _, err := exchange(l, make([]byte, 64<<20), 50*time.Millisecond); !errors.Is(err, ErrSlowSend) || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// What was received before the request keeps it from being sent.
func TestPending(t *testing.T) {
	for name, spoil := range map[string]func(other *net.TCPConn){
		"bytes":   func(other *net.TCPConn) { other.Write([]byte("x")) },
		"the end": func(other *net.TCPConn) { other.CloseWrite() },
		"a reset": func(other *net.TCPConn) {
			other.SetLinger(0)
			other.Close()
		},
	} {
		l, other := pair(t)
		spoil(other)
		got, err := exchange(l, []byte("request"), time.Minute)
		if !l.Pending() || (name == "bytes") != (got == "x") || (name == "bytes") != (err == nil) {
			t.Errorf("%s: got %q, %v, pending %t", name, got, err, l.Pending())
		}
	}
}

func TestSilence(t *testing.T) {
	l, _ := pair(t)
	if _, err := exchange(l, []byte("hurry"), 20*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) || l.Pending() {
		t.Errorf("got %v, pending %t", err, l.Pending())
	}
}
