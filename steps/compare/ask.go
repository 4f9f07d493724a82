package compare

import (
	"context"
	"sync/atomic"

	"github.com/ingress-testbed/testbed/steps/compare/derive"
	"github.com/ingress-testbed/testbed/steps/compare/judge"
	compared "github.com/ingress-testbed/testbed/steps/replay/compare"
)

// asker sends probes to the reference and to candidates. It may be used concurrently.
type asker struct {
	reference Session
	numbers   *atomic.Int64 // of clients
}

// ask sends a probe from an address of its own.
func (a *asker) ask(ctx context.Context, session Session, probe *derive.Probe) (judge.Observation, error) {
	return Ask(ctx, session, probe, int(a.numbers.Add(1)))
}

// differences sends a probe to a candidate and compares the answer with that of the reference.
func (a *asker) differences(ctx context.Context, probe *derive.Probe, want judge.Observation, candidate Session) ([]compared.Difference, error) {
	got, err := a.ask(ctx, candidate, probe)
	if err != nil {
		return nil, err
	}
	return judge.Differences(probe, want, got), nil
}
