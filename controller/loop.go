package controller

import (
	"context"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/controller/translate"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Source signals changes and takes snapshots.
type Source interface {
	// Changed gets a value after every change. Several changes may share one.
	Changed() <-chan struct{}
	// Take returns what has changed since it was called last. Snapshot and EndpointSlices, called after it, have it all.
	Take() Change
	Snapshot() *snapshot.Snapshot
	// EndpointSlices are those of a Service as they are now, in the order of a Snapshot.
	EndpointSlices(service types.NamespacedName) []*discoveryv1.EndpointSlice
}

// Change is what has changed in the cluster.
type Change struct {
	// Endpoints are the Services whose EndpointSlices have changed.
	Endpoints []types.NamespacedName
	// Other is whether anything else has changed.
	Other bool
}

// DataPlane serves tables.
type DataPlane interface {
	// Apply serves the table from now on. It returns errors for the parts that it could not serve.
	Apply(*route.Table) []error
	// Update replaces upstreams of the table that is served. It fails, and changes nothing, if one of them is not there.
	Update([]route.Upstream) ([]error, error)
}

// Observer gets the outcome of each round. Observers are called one after the other and must not block.
type Observer interface {
	Observe(Outcome)
}

// EndpointObserver gets the outcome of each round in which nothing but endpoints changed, as an Observer does.
type EndpointObserver interface {
	ObserveEndpoints(EndpointUpdate)
}

// EndpointUpdate is the outcome of a round in which only endpoints changed.
type EndpointUpdate struct {
	translate.Update
	// Refused lists the parts that the data plane could not serve.
	Refused []error
	// Took is how long the round lasted.
	Took time.Duration
}

// Outcome is the outcome of a round in which the whole cluster was translated.
type Outcome struct {
	Snapshot *snapshot.Snapshot
	translate.Result
	// Applied is whether the table differed from the previous one.
	Applied bool
	// Refused lists the parts that the data plane could not serve.
	Refused []error
	// Took is how long the round lasted.
	Took time.Duration
}

// HoldOff is the usual pause after a round. A roll-out causes dozens of changes a second, and it is acceptable if the table
// lags a tenth of a second behind.
const HoldOff = 100 * time.Millisecond

// EndpointHoldOff is the pause after a round in which only endpoints changed, which is cheap.
const EndpointHoldOff = 10 * time.Millisecond

// Loop is the controller's main loop. After a change it translates the parts of the cluster that have changed. A change of
// endpoints alone, which is the most frequent, replaces the upstreams of their Services.
type Loop struct {
	Source    Source
	DataPlane DataPlane
	Observers []Observer
	// EndpointObservers are those of rounds in which nothing but endpoints changed.
	EndpointObservers []EndpointObserver
	Clock             clock.Clock
	// HoldOff is the shortest time from the end of a round to the start of the next. After a longer pause, a change is handled
	// immediately.
	HoldOff time.Duration
}

// Run acts upon changes until ctx is done.
func (l *Loop) Run(ctx context.Context) {
	var served state
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.Source.Changed():
		}
		rest := EndpointHoldOff
		if change := l.Source.Take(); !l.update(&served, change) {
			l.round(&served)
			rest = l.HoldOff
		}
		select {
		case <-ctx.Done():
			return
		case <-l.Clock.After(rest):
		}
	}
}

// state is the loop's view of the data plane.
type state struct {
	// result is that of the last whole round; its Table is nil before the first.
	result translate.Result
	// updated is whether the data plane serves other endpoints than the result has.
	updated bool
}

// update brings the data plane up to date after a change of endpoints alone. It reports whether that was possible.
func (l *Loop) update(served *state, change Change) bool {
	if change.Other || served.result.Table == nil {
		return false
	}
	start := l.Clock.Now()
	update, possible := served.result.UpdateEndpoints(l.Source.EndpointSlices, change.Endpoints)
	if !possible {
		return false
	}
	if len(update.Upstreams) == 0 {
		return true // no Ingress leads to any of the Services
	}
	refused, err := l.DataPlane.Update(update.Upstreams)
	if err != nil {
		return false
	}
	served.updated = true
	outcome := EndpointUpdate{Update: update, Refused: refused, Took: l.Clock.Since(start)}
	for _, observer := range l.EndpointObservers {
		observer.ObserveEndpoints(outcome)
	}
	return true
}

// round brings the data plane up to date with the whole cluster.
func (l *Loop) round(served *state) {
	start := l.Clock.Now()
	taken := l.Source.Snapshot()
	outcome := Outcome{Snapshot: taken, Result: translate.After(served.result, taken)}
	if last := served.result.Table; last == nil || served.updated || !last.Equal(outcome.Table) {
		outcome.Applied = true
		outcome.Refused = l.DataPlane.Apply(outcome.Table)
	}
	*served = state{result: outcome.Result}
	outcome.Took = l.Clock.Since(start)
	for _, observer := range l.Observers {
		observer.Observe(outcome)
	}
}
