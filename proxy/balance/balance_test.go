package balance

import (
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/proxy/route"
)

func endpoints(n int) []route.Endpoint {
	var all []route.Endpoint
	for i := range n {
		all = append(all, route.Endpoint{Address: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}), 80)})
	}
	return all
}

func TestRotationIsExact(t *testing.T) {
	for n := 1; n <= 7; n++ {
		r := NewRotation("u", endpoints(n))
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

func TestRotationBeginsWithTheFirst(t *testing.T) {
	r := NewRotation("u", endpoints(3))
	for _, want := range []int{0, 1, 2, 0} {
		if got := r.Next(); got != want {
			t.Errorf("got %d, want %d", got, want)
		}
	}
}

func TestSessionsFollowTheEndpoint(t *testing.T) {
	before := NewRotation("u", endpoints(3))
	after := NewRotation("u", endpoints(3)[1:])
	other := NewRotation("v", endpoints(3))
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

func TestSessionCookie(t *testing.T) {
	for want, affinity := range map[string]route.Affinity{
		"s=t; Path=/; HttpOnly": {Cookie: "s"},
		"s=t; Path=/a; Max-Age=60; HttpOnly; SameSite=Lax; Secure": {Cookie: "s", Path: "/a", MaxAge: time.Minute, SameSite: "Lax", Secure: true},
		"s=t; Path=/; HttpOnly; SameSite=None; Secure":             {Cookie: "s", SameSite: "None"},
	} {
		if got := string(AppendSessionCookie(nil, &affinity, "t")); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
