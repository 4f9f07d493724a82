package announcer

import (
	"context"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	typedcoordinationv1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/tools/record"
)

// lan has the nodes that announce one address.
type lan struct {
	mu        sync.Mutex
	announces map[string]bool
	unhealthy map[string]bool
	// cutOff are nodes that don't reach the API server.
	cutOff map[string]bool
	// two is whether two nodes announced the address at once.
	two bool
}

func newLAN() *lan {
	return &lan{announces: map[string]bool{}, unhealthy: map[string]bool{}, cutOff: map[string]bool{}}
}

// node returns the announcing nodes, and set changes a node.
func (l *lan) nodes() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(slices.Sorted(maps.Keys(l.announces)), " ")
}

func (l *lan) set(of map[string]bool, node string, value bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	of[node] = value
}

func (l *lan) announce(ctx context.Context, node string) {
	l.mu.Lock()
	l.announces[node] = true
	l.two = l.two || len(l.announces) > 1
	l.mu.Unlock()
	<-ctx.Done()
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.announces, node)
}

// uplink is a node's way to the Leases of the API server. Requests of a node that is cut off end with their context.
type uplink struct {
	typedcoordinationv1.LeaseInterface
	lan  *lan
	node string
}

func (u uplink) Leases(string) typedcoordinationv1.LeaseInterface { return u }

func (u uplink) reach(ctx context.Context) error {
	u.lan.mu.Lock()
	cutOff := u.lan.cutOff[u.node]
	u.lan.mu.Unlock()
	if cutOff {
		<-ctx.Done()
	}
	return ctx.Err()
}

func (u uplink) Get(ctx context.Context, name string, o metav1.GetOptions) (*coordinationv1.Lease, error) {
	if err := u.reach(ctx); err != nil {
		return nil, err
	}
	return u.LeaseInterface.Get(ctx, name, o)
}

func (u uplink) Create(ctx context.Context, lease *coordinationv1.Lease, o metav1.CreateOptions) (*coordinationv1.Lease, error) {
	if err := u.reach(ctx); err != nil {
		return nil, err
	}
	return u.LeaseInterface.Create(ctx, lease, o)
}

func (u uplink) Update(ctx context.Context, lease *coordinationv1.Lease, o metav1.UpdateOptions) (*coordinationv1.Lease, error) {
	if err := u.reach(ctx); err != nil {
		return nil, err
	}
	return u.LeaseInterface.Update(ctx, lease, o)
}

// candidate is a node's candidacy. All nodes share the Leases of one API server.
func (l *lan) candidate(node string, api *fake.Clientset) candidacy {
	return candidacy{
		node: node, address: netip.MustParseAddr("203.0.113.1"),
		assigned: assignment{service: types.NamespacedName{Namespace: "shop", Name: "cart"}},
		healthy: func(context.Context, int32) bool {
			l.mu.Lock()
			defer l.mu.Unlock()
			return !l.unhealthy[node]
		},
		leases:   uplink{api.CoordinationV1().Leases(metav1.NamespaceSystem), l, node},
		announce: func(ctx context.Context, _ netip.Addr) { l.announce(ctx, node) },
		events:   record.NewFakeRecorder(100), log: slog.New(slog.DiscardHandler),
	}
}

// elect runs the candidacies of three nodes, and then the test.
func elect(t *testing.T, l *lan, test func()) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		api := fake.NewClientset()
		var nodes sync.WaitGroup
		for _, node := range []string{"a", "b", "c"} {
			nodes.Go(func() { l.candidate(node, api).run(ctx) })
			time.Sleep(10 * time.Millisecond) // so that a is the first
		}
		test()
		cancel()
		nodes.Wait()
		if left := l.nodes(); left != "" {
			t.Errorf("after the end, %s announces", left)
		}
		if l.two {
			t.Error("two nodes announced the address at once")
		}
	})
}

func TestOneNodeAnnounces(t *testing.T) {
	t.Parallel()
	l := newLAN()
	elect(t, l, func() {
		time.Sleep(30 * time.Second)
		if got := l.nodes(); got != "a" {
			t.Errorf("%q announces, want the first", got)
		}
	})
}

func TestAnUnhealthyNodeHandsOver(t *testing.T) {
	t.Parallel()
	l := newLAN()
	elect(t, l, func() {
		time.Sleep(10 * time.Second)
		l.set(l.unhealthy, "a", true)
		time.Sleep(healthInterval + 3*retryPeriod)
		if got := l.nodes(); got != "b" && got != "c" {
			t.Errorf("%q announces after a became unhealthy", got)
		}
		for _, node := range []string{"b", "c"} {
			l.set(l.unhealthy, node, true)
		}
		time.Sleep(10 * time.Second)
		if got := l.nodes(); got != "" {
			t.Errorf("no node is healthy, and %q announces", got)
		}
		l.set(l.unhealthy, "a", false)
		time.Sleep(10 * time.Second)
		if got := l.nodes(); got != "a" {
			t.Errorf("%q announces, want the only healthy one", got)
		}
	})
}

func TestAnotherTakesOverFromANodeThatIsCutOff(t *testing.T) {
	t.Parallel()
	l := newLAN()
	elect(t, l, func() {
		time.Sleep(10 * time.Second)
		l.set(l.cutOff, "a", true)
		time.Sleep(leaseDuration + 3*retryPeriod)
		if got := l.nodes(); got != "b" && got != "c" {
			t.Errorf("%q announces after a was cut off", got)
		}
		l.set(l.cutOff, "a", false)
		before := l.nodes()
		time.Sleep(time.Minute)
		if got := l.nodes(); got != before {
			t.Errorf("%q announces, want %s to keep the address", got, before)
		}
	})
}
