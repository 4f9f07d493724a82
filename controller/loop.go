package controller

import (
	"context"
	"time"

	"k8s.io/utils/clock"

	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/controller/translate"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Source signals changes and takes snapshots.
type Source interface {
	// Changed gets a value after every change. Several changes may share one.
	Changed() <-chan struct{}
	Snapshot() *snapshot.Snapshot
}

// DataPlane serves tables.
type DataPlane interface {
	// Apply serves the table from now on. It returns errors for the parts that it could not serve.
	Apply(*route.Table) []error
}

// Observer gets the outcome of each round. Observers are called one after the other and must not block.
type Observer interface {
	Observe(Outcome)
}

// Outcome is what came of one round.
type Outcome struct {
	Snapshot *snapshot.Snapshot
	translate.Result
	// Applied is whether the table differed from the previous one.
	Applied bool
	// Refused is what the data plane could not serve of it.
	Refused []error
	// Took is how long the round lasted.
	Took time.Duration
}

// HoldOff is how long the loop usually rests after a round. A roll-out makes dozens of changes a second, and a table
// may be a tenth of a second old.
const HoldOff = 100 * time.Millisecond

// Loop is the controller's main loop.
type Loop struct {
	Source    Source
	DataPlane DataPlane
	Observers []Observer
	Clock     clock.Clock
	// HoldOff is the least time from the end of a round to the start of the next. The first change after a rest is
	// acted upon at once.
	HoldOff time.Duration
}

// Run acts upon changes until ctx is done.
func (l *Loop) Run(ctx context.Context) {
	var last *route.Table
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.Source.Changed():
		}
		last = l.round(last)
		select {
		case <-ctx.Done():
			return
		case <-l.Clock.After(l.HoldOff):
		}
	}
}

// round brings the data plane up to date. It returns the table that is served.
func (l *Loop) round(last *route.Table) *route.Table {
	start := l.Clock.Now()
	taken := l.Source.Snapshot()
	outcome := Outcome{Snapshot: taken, Result: translate.Translate(taken)}
	if last == nil || !last.Equal(outcome.Table) {
		outcome.Applied = true
		outcome.Refused = l.DataPlane.Apply(outcome.Table)
	}
	outcome.Took = l.Clock.Since(start)
	for _, observer := range l.Observers {
		observer.Observe(outcome)
	}
	return outcome.Table
}
