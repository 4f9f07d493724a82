package proxy_test

import (
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// bigTable has ten paths for each host, and an upstream for every ten hosts.
func bigTable(hosts int) *route.Table {
	table := new(route.Table)
	for h := range hosts {
		name := fmt.Sprintf("host%d.example.com", h)
		u := fmt.Sprintf("upstream%d", h/10)
		var routes []route.Route
		for p := range 10 {
			routes = append(routes, prefix(fmt.Sprintf("/app/path%d", p), u))
		}
		table.Hosts = append(table.Hosts, host(name, routes...))
		if h%10 == 0 {
			address := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(h >> 8), byte(h)}), 80)
			table.Upstreams = append(table.Upstreams, upstream(u, route.Endpoint{Address: address}))
		}
	}
	return table
}

// TestBigTable states what a table of 10,000 hosts with ten paths each costs. The limits are generous: the machine
// may be busy with other things. What is certain is that an update of an endpoint costs a small part of the whole.
func TestBigTable(t *testing.T) {
	server, err := proxy.New(proxy.Config{})
	if err != nil {
		t.Fatal(err)
	}
	table := bigTable(10_000)
	before := heap()
	started := time.Now()
	if problems := server.Apply(table); len(problems) > 0 {
		t.Fatal(problems)
	}
	whole := time.Since(started)
	memory := heap() - before

	next := *table
	next.Upstreams = append([]route.Upstream(nil), table.Upstreams...)
	next.Upstreams[500].Endpoints = []route.Endpoint{netipEndpoint("10.2.0.1:80")}
	started = time.Now()
	server.Apply(&next)
	update := time.Since(started)
	t.Logf("10,000 hosts × 10 paths: compiled in %v, %d MiB; one endpoint changed in %v", whole, memory>>20, update)
	if whole > 20*time.Second || memory > 200<<20 || update > whole/2 {
		t.Error("that is too much")
	}
	runtime.KeepAlive(server)
}

func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// BenchmarkApply is the update of one endpoint, by the number of routes in the table, ten for each host.
func BenchmarkApply(b *testing.B) {
	for _, routes := range []int{10, 100, 1000, 10_000, 100_000} {
		if testing.Short() && routes > 1000 {
			continue
		}
		b.Run(fmt.Sprintf("routes=%d", routes), func(b *testing.B) {
			server, err := proxy.New(proxy.Config{})
			if err != nil {
				b.Fatal(err)
			}
			table := bigTable(routes / 10)
			server.Apply(table)
			changed := len(table.Upstreams) / 2
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				next := *table
				next.Upstreams = append([]route.Upstream(nil), table.Upstreams...)
				next.Upstreams[changed].Endpoints = []route.Endpoint{netipEndpoint(fmt.Sprintf("10.2.0.%d:80", i%250))}
				server.Apply(&next)
			}
		})
	}
}
