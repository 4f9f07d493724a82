package balance

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/ingress-testbed/testbed/proxy/route"
)

func hashed(count int) *RoundRobin {
	var endpoints []route.Endpoint
	for i := range count {
		address := netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)})
		endpoints = append(endpoints, route.Endpoint{Address: netip.AddrPortFrom(address, 80)})
	}
	return NewRoundRobin("u", endpoints)
}

// TestHashed: keys stay where they are when an endpoint is added, but for those that it takes, and all endpoints have some.
func TestHashed(t *testing.T) {
	three, four := hashed(3), hashed(4)
	counts := map[int]int{}
	for i := range 1000 {
		key := fmt.Appendf(nil, "key %d", i)
		before, after := three.Hashed(key), four.Hashed(key)
		if before != three.Hashed(key) || after != before && after != 3 {
			t.Fatalf("%s moves from %d to %d", key, before, after)
		}
		counts[after]++
	}
	for i := range 4 {
		if counts[i] < 150 {
			t.Errorf("of 1000 keys, endpoint %d has %d", i, counts[i])
		}
	}
}

func TestHashedSubset(t *testing.T) {
	five := hashed(5)
	for i := range 100 {
		key := fmt.Appendf(nil, "key %d", i)
		seen := map[int]bool{}
		for range 200 {
			seen[five.HashedSubset(key, 2)] = true
		}
		want := 2
		if five.Hashed(key) == 4 { // the last subset has what is left
			want = 1
		}
		if len(seen) != want {
			t.Errorf("%s is at %v", key, seen)
		}
	}
}
