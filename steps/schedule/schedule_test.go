package schedule_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingress-testbed/testbed/steps/schedule"
)

// run runs scenarios of a second each on a bubble's clock, and returns in which second each began.
func run(t *testing.T, claims []schedule.Claim, limit int) []int {
	t.Helper()
	begun := make([]int, len(claims))
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		turns := schedule.New(claims, limit)
		var group sync.WaitGroup
		for position := range claims {
			group.Go(func() {
				if err := turns.Begin(t.Context(), position); err != nil {
					t.Error(err)
					return
				}
				begun[position] = int(time.Since(start).Seconds())
				time.Sleep(time.Second)
				turns.End(position)
			})
		}
		group.Wait()
	})
	return begun
}

func TestOrder(t *testing.T) {
	t.Parallel()
	plain, sole, alone := schedule.Claim{}, schedule.Claim{Sole: true}, schedule.Claim{Alone: true}
	a, b := schedule.Claim{Settings: "a"}, schedule.Claim{Settings: "b"}
	beside := schedule.Claim{Lane: 1}
	for _, test := range []struct {
		name   string
		claims []schedule.Claim
		limit  int
		want   []int
	}{
		{"at the same time", []schedule.Claim{plain, plain, plain}, 3, []int{0, 0, 0}},
		{"up to the limit", []schedule.Claim{plain, plain, plain}, 2, []int{0, 0, 1}},
		{"the only one", []schedule.Claim{sole, plain, plain, sole}, 4, []int{1, 0, 0, 2}},
		{"alone", []schedule.Claim{alone, plain, alone, plain}, 4, []int{1, 0, 2, 0}},
		{"equal settings together", []schedule.Claim{b, plain, a, b, plain, a}, 4, []int{1, 0, 2, 1, 0, 2}},
		{"beside the only one of another lane", []schedule.Claim{beside, sole, sole, beside, beside}, 2, []int{0, 0, 1, 1, 2}},
		{"settings of another lane", []schedule.Claim{beside, a, {Lane: 1, Settings: "b"}, a}, 4, []int{0, 0, 1, 0}},
		{"one after the other", []schedule.Claim{sole, a, plain, beside, alone, b}, 1, []int{0, 1, 2, 3, 4, 5}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := run(t, test.claims, test.limit); !slices.Equal(got, test.want) {
				t.Errorf("begun in the seconds %v, want %v", got, test.want)
			}
		})
	}
}

// Whatever the claims are, every scenario runs, and none disturbs another.
func TestNothingIsDisturbed(t *testing.T) {
	t.Parallel()
	var claims []schedule.Claim
	for position := range 300 {
		claims = append(claims, schedule.Claim{
			Lane: position % 2, Settings: []string{"", "", "a", "b"}[position%4], Sole: position%7 == 3, Alone: position%29 == 4,
		})
	}
	begun := run(t, claims, 4)
	for position, second := range begun {
		for other := range position {
			if begun[other] != second {
				continue
			}
			a, b := claims[position], claims[other]
			if a.Alone || b.Alone || a.Lane == b.Lane && (a.Sole || b.Sole || a.Settings != b.Settings) {
				t.Errorf("%+v and %+v ran at the same time", a, b)
			}
		}
	}
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("interrupted")
	cancel(why)
	turns := schedule.New([]schedule.Claim{{Sole: true}, {Sole: true}}, 2)
	if err := turns.Begin(ctx, 1); !errors.Is(err, why) {
		t.Errorf("error is %v, want the cause", err)
	}
}
