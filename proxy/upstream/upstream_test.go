package upstream

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"
)

// peers makes pools whose connections end in the test.
func peers(t *testing.T, maxIdle int) (*Registry, chan net.Conn) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	accepted := make(chan net.Conn, 10)
	return NewRegistry(Options{MaxIdle: maxIdle, MaxAge: time.Minute,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, listener.Addr().String())
			if err != nil {
				return nil, err
			}
			other, err := listener.Accept()
			accepted <- other
			return conn, err
		}}), accepted
}

func dial(t *testing.T, pool *Pool) *Conn {
	t.Helper()
	c, err := pool.Dial(context.Background(), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func closed(c *Conn) bool { return c.SetDeadline(time.Time{}) != nil }

func address() Key { return Key{Address: netip.MustParseAddrPort("10.0.0.1:80")} }

func TestLastUsedComesFirst(t *testing.T) {
	registry, _ := peers(t, 2)
	pool := registry.Pool(address(), nil)
	if registry.Pool(address(), nil) != pool {
		t.Error("an address has two pools")
	}
	now := time.Now()
	first, second, third := dial(t, pool), dial(t, pool), dial(t, pool)
	for _, c := range []*Conn{first, second, third} {
		c.Release(now)
	}
	if !closed(third) {
		t.Error("more connections are kept than there should be")
	}
	for _, want := range []*Conn{second, first, nil} {
		if got := pool.Get(now, true); got != want {
			t.Errorf("got %p, want %p", got, want)
		}
	}
	if !first.Reused {
		t.Error("a used connection does not say so")
	}
}

func TestStaleConnectionsAreNotGiven(t *testing.T) {
	for name, spoil := range map[string]func(net.Conn){
		"closed": func(c net.Conn) { c.Close() }, "unasked bytes": func(c net.Conn) { c.Write([]byte("HTTP/1.1 408")) },
	} {
		for _, careful := range []bool{true, false} {
			registry, accepted := peers(t, 2)
			pool := registry.Pool(address(), nil)
			c := dial(t, pool)
			c.Release(time.Now())
			spoil(<-accepted)
			time.Sleep(20 * time.Millisecond)
			later := time.Now()
			if !careful {
				later = later.Add(trusted) // after a while everybody is careful
			}
			if pool.Get(later, careful) != nil || !closed(c) {
				t.Errorf("%s: the connection is given", name)
			}
		}
	}
}

func TestOldConnectionsAreClosed(t *testing.T) {
	registry, _ := peers(t, 5)
	pool := registry.Pool(address(), nil)
	now := time.Now()
	old, young := dial(t, pool), dial(t, pool)
	old.Release(now.Add(-2 * time.Minute))
	young.Release(now)
	pool.expire(now)
	if !closed(old) || closed(young) {
		t.Error("age decides wrongly")
	}
	if pool.Get(now.Add(2*time.Minute), false) != nil || !closed(young) {
		t.Error("a connection that has grown old is given")
	}
}

func TestPoolsThatLeave(t *testing.T) {
	registry, _ := peers(t, 5)
	pool := registry.Pool(address(), nil)
	idle, busy := dial(t, pool), dial(t, pool)
	idle.Release(time.Now())
	registry.Keep(nil)
	if !closed(idle) || closed(busy) {
		t.Error("idle connections stay, or busy ones don't")
	}
	busy.Release(time.Now())
	if !closed(busy) {
		t.Error("a connection is kept for an endpoint that has left")
	}
	if registry.Pool(address(), nil) == pool {
		t.Error("the endpoint came back to its old pool")
	}
}

func TestUnreadBytesEndAConnection(t *testing.T) {
	registry, accepted := peers(t, 5)
	c := dial(t, registry.Pool(address(), nil))
	(<-accepted).Write([]byte("more than was asked for"))
	if err := c.In.Fill(); err != nil {
		t.Fatal(err)
	}
	c.Release(time.Now())
	if !closed(c) {
		t.Error("the next request would get the rest of the last reply")
	}
}
