package schedule_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/ingress-testbed/testbed/steps/schedule"
)

func TestScenariosThatAreAloneRunAlone(t *testing.T) {
	t.Parallel()
	var alone []bool
	for position := range 200 {
		alone = append(alone, position%7 == 3 || position%11 == 4)
	}
	turns := schedule.New(alone)
	var mu sync.Mutex
	running := map[int]bool{}
	var group sync.WaitGroup
	for position := range alone {
		group.Go(func() {
			if err := turns.Begin(t.Context(), position); err != nil {
				t.Error(err)
				return
			}
			defer turns.End()
			mu.Lock()
			running[position] = true
			for other := range running {
				if other != position && (alone[other] || alone[position]) {
					t.Errorf("%d began while %d was running", position, other)
				}
			}
			mu.Unlock()
			runtime.Gosched()
			mu.Lock()
			delete(running, position)
			mu.Unlock()
		})
	}
	group.Wait()
}

func TestTheOrderIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turns := schedule.New([]bool{true, false, false})
		begun := make(chan int, 3)
		begin := func(position int) {
			if err := turns.Begin(t.Context(), position); err != nil {
				t.Error(err)
			}
			begun <- position
		}
		go begin(2)
		go begin(1)
		synctest.Wait()
		if len(begun) != 0 {
			t.Fatal("a scenario began before an earlier one")
		}
		begin(0)
		synctest.Wait()
		if len(begun) != 1 {
			t.Fatal("a scenario began beside one that has to be alone")
		}
		turns.End()
		synctest.Wait()
		close(begun)
		if got := len(begun); got != 3 {
			t.Errorf("%d scenarios have begun, want all 3, two of them at the same time", got)
		}
	})
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("interrupted")
	cancel(why)
	turns := schedule.New([]bool{true, false})
	if err := turns.Begin(ctx, 1); !errors.Is(err, why) {
		t.Errorf("error is %v, want the cause", err)
	}
}
