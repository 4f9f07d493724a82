package limits

import (
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

func compile(t testing.TB, states *policy.States, policies ...route.Policy) policy.Chain {
	t.Helper()
	chain, err := policy.Compile(policies, states)
	if err != nil {
		t.Fatal(err)
	}
	return chain
}

func from(address string) *policy.Request {
	return &policy.Request{Client: netip.MustParseAddr(address)}
}

// passed counts how many of n requests of a client pass.
func passed(chain policy.Chain, client string, n int) (count int) {
	for range n {
		if _, answered := chain.Request(from(client)); !answered {
			count++
		}
	}
	return count
}

// TestRate has the figures that ingress-nginx has shown: 2 a second with a burst of 10 lets 11 of 25 pass.
func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		second := compile(t, new(policy.States), Rate{Scope: "a", Count: 2, Per: time.Second, Burst: 10, Status: 503})
		minute := compile(t, new(policy.States), Rate{Scope: "a", Count: 5, Per: time.Minute, Burst: 5, Status: 429})
		for _, step := range []struct {
			after  time.Duration
			chain  policy.Chain
			client string
			n      int
			want   int
		}{
			{0, second, "192.0.2.1", 25, 11}, {0, second, "192.0.2.2", 1, 1},
			{490 * time.Millisecond, second, "192.0.2.1", 1, 0}, {10 * time.Millisecond, second, "192.0.2.1", 2, 1},
			{time.Second, second, "192.0.2.1", 5, 2}, {time.Hour, second, "192.0.2.1", 25, 11},
			{0, minute, "192.0.2.1", 10, 6}, {12 * time.Second, minute, "192.0.2.1", 10, 1},
		} {
			time.Sleep(step.after) // of the bubble's clock
			if got := passed(step.chain, step.client, step.n); got != step.want {
				t.Errorf("%+v: %d pass", step, got)
			}
		}
		if reply, _ := minute.Request(from("192.0.2.1")); reply.Status != 429 {
			t.Errorf("got %v", reply)
		}
	})
}

func TestExempt(t *testing.T) {
	exempt := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	chain := compile(t, new(policy.States),
		Rate{Scope: "a", Count: 1, Per: time.Hour, Exempt: exempt, Status: 503}, Connections{Scope: "a", Most: 1, Exempt: exempt, Status: 503})
	if got := passed(chain, "10.0.0.1", 9); got != 9 {
		t.Errorf("%d of an exempt client pass", got)
	}
	if got := passed(chain, "11.0.0.1", 9); got != 1 {
		t.Errorf("%d of another client pass", got)
	}
}

// TestStatesOutliveTables compiles the policies of an Ingress again, and those of another one.
func TestStatesOutliveTables(t *testing.T) {
	states := new(policy.States)
	rate := Rate{Scope: "a", Count: 1, Per: time.Hour, Burst: 1, Status: 503}
	if got := passed(compile(t, states, rate), "192.0.2.1", 5); got != 2 {
		t.Errorf("%d pass", got)
	}
	states.Keep(map[string]bool{"buckets a 1h0m0s": true})
	rate.Burst = 2
	if got := passed(compile(t, states, rate), "192.0.2.1", 5); got != 1 {
		t.Errorf("%d pass after the burst has grown by one", got)
	}
	other := rate
	other.Scope = "b"
	if got := passed(compile(t, states, other), "192.0.2.1", 5); got != 3 {
		t.Errorf("%d of another Ingress pass", got)
	}
	states.Keep(nil)
	if got := passed(compile(t, states, rate), "192.0.2.1", 5); got != 3 {
		t.Errorf("%d pass when the state was dropped", got)
	}
}

func TestConnections(t *testing.T) {
	states := new(policy.States)
	chain := compile(t, states, Connections{Scope: "a", Most: 2, Status: 429})
	running := make([]*policy.Request, 3)
	for i := range running {
		running[i] = from("192.0.2.1")
		if reply, answered := chain.Request(running[i]); answered != (i == 2) || answered && reply.Status != 429 {
			t.Fatalf("request %d: got %v, %t", i, reply, answered)
		}
	}
	if _, answered := chain.Request(from("192.0.2.2")); answered {
		t.Error("another client is refused")
	}
	again := compile(t, states, Connections{Scope: "a", Most: 2, Status: 503})
	if _, answered := again.Request(from("192.0.2.1")); !answered {
		t.Error("running requests are forgotten with the table")
	}
	for _, r := range running {
		r.Release()
	}
	for _, r := range running[:2] {
		if _, answered := again.Request(r); answered {
			t.Error("requests that have ended count")
		}
	}
}

// TestManyClients has more clients than there are buckets: the memory is bounded, and the last ones are remembered.
func TestManyClients(t *testing.T) {
	s, now := newBuckets(), time.Now()
	client := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}) }
	s.add(client(0), now, 1, 0)
	for i := range mostBuckets + 1000 {
		s.add(client(i), now, 1, 0)
		s.add(client(0), now, 1, 0) // comes again and again
	}
	if len(s.of) != mostBuckets {
		t.Errorf("%d buckets", len(s.of))
	}
	ring := 1
	for b := s.newest.older; b != s.newest; b = b.older {
		if b.older.newer != b || s.of[b.client] != b {
			t.Fatal("the ring is broken")
		}
		ring++
	}
	if ring != mostBuckets {
		t.Errorf("the ring has %d buckets", ring)
	}
	for i, want := range map[int]bool{0: false, mostBuckets + 999: false, 1: true} {
		if got := s.add(client(i), now, 1, 0); got != want {
			t.Errorf("client %d: got %t", i, got)
		}
	}
}

func TestConcurrently(t *testing.T) {
	chain := compile(t, new(policy.States), Connections{Scope: "a", Most: 3, Status: 503},
		Rate{Scope: "a", Count: 1, Per: time.Hour, Burst: 99, Status: 503})
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			r := from("192.0.2.1")
			for range 100 {
				chain.Request(r)
				r.Release()
			}
		})
	}
	group.Wait()
	if got := passed(chain, "192.0.2.1", 1); got != 0 {
		t.Error("400 requests have left room in a bucket for 100")
	}
}

func TestLimitsAllocateNothing(t *testing.T) {
	chain := compile(t, new(policy.States), Connections{Scope: "a", Most: 3, Status: 503},
		Rate{Scope: "a", Count: 1 << 20, Per: time.Second, Burst: 1 << 20, Status: 503})
	r := from("192.0.2.1")
	run := func() {
		if _, answered := chain.Request(r); answered {
			t.Fatal("answered")
		}
		r.Release()
	}
	run()
	if allocations := testing.AllocsPerRun(100, run); allocations > 0 {
		t.Errorf("%.1f allocations", allocations)
	}
}

// TestEqualAndText changes each field of each policy.
func TestEqualAndText(t *testing.T) {
	exempt := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	all := []policy.Policy{
		Rate{}, Rate{Scope: "a"}, Rate{Count: 1}, Rate{Per: 1}, Rate{Burst: 1}, Rate{Exempt: exempt}, Rate{Status: 1},
		Throttle{}, Throttle{Rate: 1}, Throttle{After: 1},
		Connections{}, Connections{Scope: "a"}, Connections{Most: 1}, Connections{Exempt: exempt}, Connections{Status: 1},
	}
	for i, a := range all {
		for j, b := range all {
			if a.Equal(b) != (i == j) || (a.Text() == b.Text()) != (i == j) {
				t.Errorf("%q and %q: equal is %t", a.Text(), b.Text(), a.Equal(b))
			}
		}
	}
}

func TestLimitsOfNothingDoNotCompile(t *testing.T) {
	for _, p := range []route.Policy{Rate{Scope: "a"}, Rate{Count: 1}, Rate{Count: 1, Per: 1, Burst: -1}, Connections{}} {
		if _, err := policy.Compile([]route.Policy{p}, new(policy.States)); err == nil {
			t.Errorf("%s: compiles", p.Text())
		}
	}
}
