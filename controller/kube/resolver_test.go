package kube

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// dns answers for one name.
type dns struct {
	mu      sync.Mutex
	answers map[string][]netip.Addr // by network
	err     error
	asked   int
}

func (d *dns) lookup(_ context.Context, network, _ string) ([]netip.Addr, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked++
	if d.err != nil {
		return nil, d.err
	}
	return slices.Clone(d.answers[network]), nil
}

func (d *dns) set(answers map[string][]netip.Addr, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.answers, d.err = answers, err
}

func TestResolver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two, six := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("2001:db8::1")
		names := &dns{answers: map[string][]netip.Addr{"ip4": {netip.MustParseAddr("::ffff:192.0.2.2"), one}, "ip6": {six}}}
		changed := make(chan struct{}, 10)
		r := newResolver(func() { changed <- struct{}{} })
		r.lookup = names.lookup
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go r.run(ctx)
		expect := func(want ...netip.Addr) {
			t.Helper()
			<-changed // if it never comes, synctest reports a deadlock or the test's time-out
			if got := r.addresses("x.example.com"); !slices.Equal(got, want) {
				t.Errorf("addresses %v, want %v", got, want)
			}
		}

		if got := r.addresses("x.example.com"); len(got) > 0 {
			t.Errorf("addresses %v before the first look-up", got)
		}
		expect(one, two) // IPv4 alone, in order

		names.set(map[string][]netip.Addr{"ip6": {six}}, nil)
		expect(six)

		names.set(nil, errors.New("no answer"))
		time.Sleep(2 * resolveEvery)
		if got := r.addresses("x.example.com"); !slices.Equal(got, []netip.Addr{six}) {
			t.Errorf("addresses %v after a failure, want those of before", got)
		}
		names.set(map[string][]netip.Addr{"ip4": {one}}, nil)
		expect(one)

		r.keep(map[string][]netip.Addr{"another": nil})
		if got := r.addresses("x.example.com"); len(got) > 0 {
			t.Errorf("addresses %v of a name that was forgotten", got)
		}
		expect(one)
	})
}

// TestFailedLookupsAreRepeated starts the resolver before the name exists.
func TestFailedLookupsAreRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		address := netip.MustParseAddr("192.0.2.1")
		names := &dns{err: errors.New("no such host")}
		changed := make(chan struct{}, 1)
		r := newResolver(func() { changed <- struct{}{} })
		r.lookup = names.lookup
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go r.run(ctx)

		r.addresses("x.example.com")
		time.Sleep(4 * time.Second) // three attempts: at once, after 1 s, after 3 s
		if synctest.Wait(); names.asked != 3*2 {
			t.Errorf("%d look-ups in four seconds, want 3 of each kind of address", names.asked)
		}
		names.set(map[string][]netip.Addr{"ip4": {address}}, nil)
		start := time.Now()
		<-changed
		if waited := time.Since(start); waited != 3*time.Second {
			t.Errorf("found %s after the name appeared, want 3 s", waited)
		}
		if got := r.addresses("x.example.com"); !slices.Equal(got, []netip.Addr{address}) {
			t.Errorf("addresses %v", got)
		}
	})
}
