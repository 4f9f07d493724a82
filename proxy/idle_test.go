package proxy_test

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"runtime"
	"runtime/metrics"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// BenchmarkIdle measures what a connection costs while nothing happens on it, for each kind of idleKinds and with 100,
// 1,000 and 10,000 of them at once (100 with -short). Clients and endpoints are processes of their own, so that this one
// has nothing but the proxy. It reports:
//
//	heap-KiB/conn    live heap after garbage collection
//	stack-KiB/conn   stacks of goroutines
//	goroutines/conn
//	conns            how many connections there were; fewer than wanted if file descriptors are short
//
// A connection that is joined with one to an endpoint takes two file descriptors, so that 10,000 of them need a hard
// limit above 20,100 (ulimit -Hn).
func BenchmarkIdle(b *testing.B) {
	sizes := []int{100, 1_000, 10_000}
	if testing.Short() {
		sizes = sizes[:1]
	}
	endpoint, clients := startIdlePeer(b, "endpoint"), startIdlePeer(b, "clients")
	for _, kind := range idleKinds() {
		for _, size := range sizes {
			b.Run(fmt.Sprintf("%s/%d", kind.name, size), func(b *testing.B) {
				count := min(size, idleRoom(b, kind))
				var sum idleUse
				for b.Loop() {
					use, err := measureIdle(kind, count, endpoint, clients)
					if err != nil {
						b.Fatal(err)
					}
					sum = sum.plus(use)
				}
				connections := float64(b.N * count)
				b.ReportMetric(sum.heap/connections/(1<<10), "heap-KiB/conn")
				b.ReportMetric(sum.stacks/connections/(1<<10), "stack-KiB/conn")
				b.ReportMetric(sum.goroutines/connections, "goroutines/conn")
				b.ReportMetric(float64(count), "conns")
				b.ReportMetric(0, "ns/op") // it says how fast the clients are
			})
		}
	}
}

// TestIdleMemory fails if connections of those kinds that have a limit hold more while they are idle.
func TestIdleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for ten seconds")
	}
	const count = 100
	endpoint, clients := startIdlePeer(t, "endpoint"), startIdlePeer(t, "clients")
	for _, kind := range idleKinds() {
		if kind.heap == 0 && kind.total == 0 {
			continue
		}
		t.Run(kind.name, func(t *testing.T) {
			use, err := measureIdle(kind, count, endpoint, clients)
			if err != nil {
				t.Fatal(err)
			}
			heap, total := use.heap/count/(1<<10), (use.heap+use.stacks)/count/(1<<10)
			if kind.heap > 0 && heap > kind.heap {
				t.Errorf("a connection holds %.1f KiB of heap, want %.0f at most", heap, kind.heap)
			}
			if kind.total > 0 && total > kind.total {
				t.Errorf("a connection holds %.1f KiB of heap and stacks, want %.0f at most", total, kind.total)
			}
			if each := use.goroutines / count; kind.goroutines > 0 && each > kind.goroutines {
				t.Errorf("a connection has %.1f goroutines, want %.0f at most", each, kind.goroutines)
			}
		})
	}
}

// idleWarm is how many connections are open before the first reading, so that it has what is there once.
const idleWarm = 10

// measureIdle starts a proxy, and returns what count idle connections add to its use. It fails if one of them is not
// usable any more when that has been read.
func measureIdle(kind idleKind, count int, endpoint, clients *idlePeer) (use idleUse, err error) {
	address, err := endpoint.call("address")
	if err != nil {
		return idleUse{}, err
	}
	server, err := startIdleProxy(netip.MustParseAddrPort(address))
	if err != nil {
		return idleUse{}, err
	}
	defer func() {
		_, closed := clients.call("close")
		for _, failed := range []error{closed, server.stop()} {
			if err == nil {
				err = failed
			}
		}
	}()
	at := server.plain
	if kind.secure {
		at = server.secure
	}
	open := func(n int) error {
		_, err := clients.call("open %s %s %d", kind.name, at, n)
		return err
	}
	if err := open(idleWarm); err != nil {
		return idleUse{}, err
	}
	if kind.rest > 0 {
		runAtOnce(idleParallel * min(count, 1_000))
	}
	<-time.After(kind.rest)
	before := readIdleUse()
	if err := open(count); err != nil {
		return idleUse{}, err
	}
	<-time.After(kind.rest)
	after := readIdleUse()
	if _, err := endpoint.call("event"); err != nil {
		return idleUse{}, err
	}
	if _, err := clients.call("again"); err != nil {
		return idleUse{}, err
	}
	return after.minus(before), nil
}

// runAtOnce runs that many goroutines at the same time. The runtime reuses what it has allocated for a goroutine (some
// 450 bytes, besides its stack), but never frees it: what it takes to open connections quickly, each with many requests,
// remains, and would count as theirs although it depends on how fast they come.
func runAtOnce(goroutines int) {
	var running sync.WaitGroup
	all := make(chan struct{})
	for range goroutines {
		running.Go(func() { <-all })
	}
	close(all)
	running.Wait()
}

// idleUse is what the process uses.
type idleUse struct {
	heap, stacks float64 // bytes
	goroutines   float64
}

func (u idleUse) plus(v idleUse) idleUse {
	return idleUse{heap: u.heap + v.heap, stacks: u.stacks + v.stacks, goroutines: u.goroutines + v.goroutines}
}

func (u idleUse) minus(v idleUse) idleUse {
	return idleUse{heap: u.heap - v.heap, stacks: u.stacks - v.stacks, goroutines: u.goroutines - v.goroutines}
}

// readIdleUse reads what is used once collecting garbage frees nothing more: it takes two collections to empty a
// sync.Pool, and each halves stacks that are too large.
func readIdleUse() idleUse {
	samples := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"},
		{Name: "/sched/goroutines:goroutines"},
	}
	var last idleUse
	for collections := 1; ; collections++ {
		runtime.GC()
		metrics.Read(samples)
		use := idleUse{
			heap: float64(samples[0].Value.Uint64()), stacks: float64(samples[1].Value.Uint64()),
			goroutines: float64(samples[2].Value.Uint64()),
		}
		settled := use.heap > 0.999*last.heap && use.stacks >= last.stacks && use.goroutines >= last.goroutines
		if collections > 3 && settled || collections == 20 {
			return use
		}
		last = use
	}
}

// idleRoom is how many connections of a kind fit into the limit on file descriptors.
func idleRoom(b *testing.B, kind idleKind) int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		b.Fatal(err)
	}
	each := uint64(1)
	if kind.joined {
		each = 2
	}
	const others = 100 // listeners, pipes, connections for warming up
	return int((limit.Cur - others) / each)
}

// idleProxy is a running proxy.
type idleProxy struct {
	plain, secure string // addresses
	cancel        context.CancelFunc
	ended         chan error
}

// startIdleProxy runs a proxy that sends everything to one endpoint: /grpc by HTTP/2, the rest by HTTP/1.1. No time-out
// ends what is idle, but for connections to the endpoint that no client uses.
func startIdleProxy(address netip.AddrPort) (*idleProxy, error) {
	server, err := proxy.New(proxy.Config{
		AccessLog: io.Discard, Registerer: prometheus.NewRegistry(),
		Timeouts: proxy.Timeouts{
			Header: time.Hour, Idle: time.Hour, Body: time.Hour, Response: time.Hour, Tunnel: time.Hour,
			UpstreamIdle: time.Second, Drain: time.Millisecond,
		},
	})
	if err != nil {
		return nil, err
	}
	for _, problem := range server.Apply(idleTable(address)) {
		return nil, problem
	}
	plain, err := listenLoopback()
	if err != nil {
		return nil, err
	}
	secure, err := listenLoopback()
	if err != nil {
		plain.Close()
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	p := &idleProxy{
		plain: plain.Addr().String(), secure: secure.Addr().String(), cancel: cancel, ended: make(chan error, 1),
	}
	go func() { p.ended <- server.Serve(ctx, plain, secure) }()
	return p, nil
}

// idleTable sends /grpc to the endpoint by HTTP/2, and everything else by HTTP/1.1.
func idleTable(address netip.AddrPort) *route.Table {
	one, two := upstream("one", route.Endpoint{Address: address}), upstream("two", route.Endpoint{Address: address})
	two.Protocol = route.H2C
	return &route.Table{
		Hosts:     []route.Host{host("", prefix("/", "one"), prefix("/grpc", "two"))},
		Upstreams: []route.Upstream{one, two},
	}
}

func (p *idleProxy) stop() error {
	p.cancel()
	return <-p.ended
}
