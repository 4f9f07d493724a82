package upstream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/proxy/http1"
	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/proxy/upstream/tlsprofile"
)

// testClient is a client that sends one request after the other.
type testClient struct {
	ctx      context.Context
	absent   atomic.Bool
	canceled chan struct{} // closed by CancelBody
	once     *sync.Once
	interim  []string

	mu     sync.Mutex
	closer io.Closer
}

func newTestClient() *testClient {
	return &testClient{ctx: context.Background(), canceled: make(chan struct{}), once: new(sync.Once)}
}

func (c *testClient) CancelBody() { c.once.Do(func() { close(c.canceled) }) }

func (c *testClient) OnGone(closer io.Closer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closer = closer
}

func (c *testClient) Gone() bool { return c.absent.Load() }

// leave makes the client go away.
func (c *testClient) leave() {
	c.absent.Store(true)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closer != nil {
		c.closer.Close()
	}
}

func (c *testClient) Informational(reply *message.Response) error {
	text := reply.AppendForwarded([]byte{})
	c.interim = append(c.interim, http1Status(reply.Status)+string(text))
	return nil
}

func http1Status(status int) string {
	return string([]byte{byte('0' + status/100), byte('0' + status/10%10), byte('0' + status%10), ' '})
}

func (c *testClient) Context() context.Context { return c.ctx }

// testBody is a body whose pieces the test provides; a closed channel is its end.
type testBody struct {
	pieces   chan []byte
	trailers []message.Field
	client   *testClient
	ended    atomic.Bool
	err      error
}

func (b *testBody) Available() ([]byte, error) {
	select {
	case piece, ok := <-b.pieces:
		return b.piece(piece, ok)
	default:
		return nil, nil
	}
}

func (b *testBody) Next() ([]byte, error) {
	select {
	case piece, ok := <-b.pieces:
		return b.piece(piece, ok)
	case <-b.client.canceled:
		return nil, os.ErrDeadlineExceeded
	}
}

func (b *testBody) piece(piece []byte, ok bool) ([]byte, error) {
	if !ok {
		if b.err != nil {
			return nil, b.err
		}
		b.ended.Store(true)
		return nil, io.EOF
	}
	return piece, nil
}

func (b *testBody) Ended() bool               { return b.ended.Load() }
func (b *testBody) Trailers() []message.Field { return b.trailers }

// newCall makes a call of a request in the form of HTTP/1.1. What follows the header is the beginning of its body.
func newCall(t testing.TB, text string) *Call {
	t.Helper()
	client := newTestClient()
	call := &Call{Client: client, Request: new(message.Request),
		Timeouts: Timeouts{Connect: 10 * time.Second, Response: 30 * time.Second, Send: 30 * time.Second}}
	setRequest(t, call, text)
	return call
}

func setRequest(t testing.TB, call *Call, text string) {
	t.Helper()
	head, rest, found := strings.Cut(text, "\r\n\r\n")
	if !found {
		t.Fatalf("%q has no end", text)
	}
	if err := call.Request.Parse([]byte(head+"\r\n\r\n"), 64); err != nil {
		t.Fatal(err)
	}
	call.Path, call.Host = call.Request.Path, call.Request.Host
	in, body := new(http1.Buffer), new(http1.Body)
	in.Reset(strings.NewReader(rest))
	if len(rest) > 0 {
		if err := in.Fill(); err != nil {
			t.Fatal(err)
		}
	}
	body.Start(in, call.Request.Length, call.Request.Chunked)
	call.Body = body
	call.Begin()
}

// result is a reply as a test compares it.
type result struct {
	status   int
	body     string
	trailers []message.Field
	err      error
}

func (r result) String() string {
	return fmt.Sprintf("status %d, body %.100q, %d trailers, error %v", r.status, r.body, len(r.trailers), r.err)
}

// do sends a call and reads the whole reply.
func do(pool *Pool, call *Call) result {
	reply, err := pool.RoundTrip(call, time.Now())
	if err != nil {
		return result{err: err}
	}
	got := read(reply)
	if err := reply.Close(); got.err == nil {
		got.err = err
	}
	return got
}

func read(reply Reply) result {
	got := result{status: reply.Header().Status}
	var body bytes.Buffer
	for {
		piece, err := reply.Available()
		if err == nil && len(piece) == 0 {
			piece, err = reply.Next()
		}
		body.Write(piece)
		if errors.Is(err, io.EOF) {
			for _, field := range reply.Trailers() {
				got.trailers = append(got.trailers,
					message.Field{Name: bytes.Clone(field.Name), Value: bytes.Clone(field.Value), Kind: field.Kind})
			}
			break
		}
		if err != nil {
			got.err = err
			break
		}
	}
	got.body = body.String()
	return got
}

// listen makes a pool of an endpoint that serves each connection with a function, which is given the connection's number.
func listen(t testing.TB, protocol route.Protocol, serve func(number int, conn net.Conn)) *Pool {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	group.Go(func() {
		for number := 1; ; number++ {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, conn)
			mu.Unlock()
			group.Go(func() {
				defer conn.Close()
				serve(number, conn)
			})
		}
	})
	registry := newRegistry(nil)
	profile, err := tlsprofile.New(protocol, nil)
	if err != nil {
		t.Fatal(err)
	}
	address := netip.MustParseAddrPort(listener.Addr().String())
	key := NewKey(address, protocol, profile)
	t.Cleanup(func() {
		registry.Keep(func(Key) bool { return false })
		listener.Close()
		mu.Lock()
		for _, conn := range open {
			conn.Close()
		}
		mu.Unlock()
		group.Wait()
	})
	return registry.Pool(key, profile)
}

func newRegistry(dial func(ctx context.Context, network, address string) (net.Conn, error)) *Registry {
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	return NewRegistry(Options{Dial: dial, MaxIdle: 8, MaxAge: time.Minute,
		Limits: Limits{HeaderBytes: 16 << 10, HeaderFields: 64}})
}
