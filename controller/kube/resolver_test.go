package kube

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"
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
	one, two, six := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("2001:db8::1")
	names := &dns{answers: map[string][]netip.Addr{"ip4": {netip.MustParseAddr("::ffff:192.0.2.2"), one}, "ip6": {six}}}
	changed := make(chan struct{}, 10)
	clock := clocktesting.NewFakeClock(time.Unix(0, 0))
	r := newResolver(func() { changed <- struct{}{} })
	r.lookup, r.clock = names.lookup, clock
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); r.run(ctx) }()
	defer func() { cancel(); <-ended }()
	expect := func(want ...netip.Addr) {
		t.Helper()
		select {
		case <-changed:
		case <-time.After(10 * time.Second):
			t.Fatal("no change was told")
		}
		if got := r.addresses("x.example.com"); !slices.Equal(got, want) {
			t.Errorf("addresses %v, want %v", got, want)
		}
	}

	if got := r.addresses("x.example.com"); len(got) > 0 {
		t.Errorf("addresses %v before anybody was asked", got)
	}
	expect(one, two) // IPv4 alone, in order

	names.set(map[string][]netip.Addr{"ip6": {six}}, nil)
	clock.Step(resolveEvery)
	expect(six)

	names.set(nil, errors.New("no answer"))
	clock.Step(resolveEvery)
	names.set(map[string][]netip.Addr{"ip4": {one}}, nil)
	clock.Step(resolveEvery)
	expect(one)

	r.keep(map[string][]netip.Addr{"another": nil})
	if got := r.addresses("x.example.com"); len(got) > 0 {
		t.Errorf("addresses %v of a name that was forgotten", got)
	}
	expect(one)
}
