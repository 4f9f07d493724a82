package balance

import (
	"math"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"github.com/ingress-testbed/testbed/proxy/route"
)

func endpoints(n int) []route.Endpoint {
	var all []route.Endpoint
	for i := range n {
		all = append(all, route.Endpoint{Address: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}), 80)})
	}
	return all
}

func TestRoundRobinIsExact(t *testing.T) {
	for n := 1; n <= 7; n++ {
		r := NewRoundRobin("u", endpoints(n))
		counts := make([]int, n)
		var mu sync.Mutex
		var group sync.WaitGroup
		for range 10 {
			group.Go(func() {
				for range 10 {
					i := r.Next()
					mu.Lock()
					counts[i]++
					mu.Unlock()
				}
			})
		}
		group.Wait()
		if least, most := slices.Min(counts), slices.Max(counts); most-least > 1 || least != 100/n {
			t.Errorf("100 turns of %d: got %v", n, counts)
		}
	}
}

func TestRoundRobinBeginsWithTheFirst(t *testing.T) {
	r := NewRoundRobin("u", endpoints(3))
	for _, want := range []int{0, 1, 2, 0} {
		if got := r.Next(); got != want {
			t.Errorf("got %d, want %d", got, want)
		}
	}
}

func TestSessionsFollowTheEndpoint(t *testing.T) {
	before := NewRoundRobin("u", endpoints(3))
	after := NewRoundRobin("u", endpoints(3)[1:])
	other := NewRoundRobin("v", endpoints(3))
	for i := range 3 {
		token := before.Token(i)
		index, found := after.Session(token)
		if found != (i > 0) || found && after.Endpoint(index) != before.Endpoint(i) {
			t.Errorf("the session of endpoint %d: got %d, %t", i, index, found)
		}
		if _, found := other.Session(token); found {
			t.Errorf("the session of endpoint %d is known to another upstream", i)
		}
	}
}

func TestFindCookie(t *testing.T) {
	for _, c := range []struct{ header, want string }{
		{"c=1", "1"}, {"a=0; c=1; c=2", "1"}, {"cc=0;c=1", "1"}, {"c=", ""}, {`c="1"`, "1"}, {"c=a=b", "a=b"}, {" c=1 ", "1"},
		{"", "-"}, {"c", "-"}, {"C=1", "-"}, {"a=c=1", "-"}, {"; ;=;", "-"},
	} {
		got, found := FindCookie(c.header, "c")
		if !found {
			got = "-"
		}
		if got != c.want {
			t.Errorf("%q: got %q, want %q", c.header, got, c.want)
		}
	}
}

// TestWeights judges 20,000 draws: each share may be 6 standard deviations off, which a right draw exceeds once in 500
// million.
func TestWeights(t *testing.T) {
	for _, weights := range [][]int{{1}, {0, 3}, {3, 0}, {1, 2, 0, 7}, {0, 0, 1, 1}} {
		w := NewWeights(weights)
		const draws = 20_000
		counts := make([]int, len(weights))
		for range draws {
			counts[w.Draw()]++
		}
		total := 0
		for _, weight := range weights {
			total += weight
		}
		for i, weight := range weights {
			share := float64(weight) / float64(total)
			off := math.Abs(float64(counts[i]) - draws*share)
			if deviation := math.Sqrt(draws * share * (1 - share)); off > 6*deviation {
				t.Errorf("weights %v: got the counts %v", weights, counts)
			}
		}
	}
	for _, weights := range [][]int{nil, {0}, {0, 0}} {
		if got := NewWeights(weights).Draw(); got != -1 {
			t.Errorf("weights %v: drew %d", weights, got)
		}
	}
}
