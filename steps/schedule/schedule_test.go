package schedule_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingress-testbed/testbed/steps/schedule"
)

// begun is when a scenario began, in seconds, and with which controller.
type begun struct{ second, controller int }

// run runs scenarios of a second each on a bubble's clock.
func run(t *testing.T, claims []schedule.Claim, controllers, limit int) []begun {
	t.Helper()
	all := make([]begun, len(claims))
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		turns := schedule.New(claims, controllers, limit)
		var group sync.WaitGroup
		for position := range claims {
			group.Go(func() {
				controller, err := turns.Begin(t.Context(), position)
				if err != nil {
					t.Error(err)
					return
				}
				all[position] = begun{int(time.Since(start).Seconds()), controller}
				time.Sleep(time.Second)
				turns.End(position)
			})
		}
		group.Wait()
	})
	return all
}

func TestOrder(t *testing.T) {
	t.Parallel()
	plain, sole, alone, first := schedule.Claim{}, schedule.Claim{Sole: true}, schedule.Claim{Alone: true}, schedule.Claim{First: true, Sole: true}
	a, b := schedule.Claim{Settings: "a"}, schedule.Claim{Settings: "b"}
	story, measured := schedule.Claim{Sequence: "story"}, schedule.Claim{Sequence: "story", Alone: true}
	for _, test := range []struct {
		name               string
		claims             []schedule.Claim
		controllers, limit int
		want               []begun
	}{
		{"at the same time", []schedule.Claim{plain, plain, plain}, 1, 3, []begun{{0, 0}, {0, 0}, {0, 0}}},
		{"up to the limit", []schedule.Claim{plain, plain, plain}, 1, 2, []begun{{0, 0}, {0, 0}, {1, 0}}},
		{"the only one", []schedule.Claim{sole, plain, plain, sole}, 1, 4, []begun{{1, 0}, {0, 0}, {0, 0}, {2, 0}}},
		{"the only ones of two controllers", []schedule.Claim{sole, plain, plain, sole}, 3, 4, []begun{{0, 1}, {0, 0}, {0, 0}, {0, 2}}},
		{"alone", []schedule.Claim{alone, plain, alone, plain}, 2, 4, []begun{{1, 0}, {0, 0}, {2, 0}, {0, 0}}},
		{"equal settings together", []schedule.Claim{b, plain, a, b, plain, a}, 1, 4, []begun{{1, 0}, {0, 0}, {2, 0}, {1, 0}, {0, 0}, {2, 0}}},
		{"different settings on two controllers", []schedule.Claim{b, plain, b}, 2, 4, []begun{{0, 1}, {0, 0}, {0, 1}}},
		{"the first controller", []schedule.Claim{plain, first, plain, first}, 2, 4, []begun{{0, 1}, {0, 0}, {0, 1}, {1, 0}}},
		{"turns of a busy limit", []schedule.Claim{plain, plain, plain, sole}, 2, 2, []begun{{0, 0}, {1, 0}, {1, 0}, {0, 1}}},
		{"a sequence", []schedule.Claim{story, plain, story}, 2, 4, []begun{{0, 1}, {0, 0}, {1, 1}}},
		{"alone in a sequence", []schedule.Claim{story, plain, measured, story}, 2, 4, []begun{{0, 1}, {0, 0}, {1, 1}, {2, 1}}},
		{"one after the other", []schedule.Claim{sole, a, plain, first, alone, b}, 2, 1, []begun{{0, 0}, {1, 0}, {2, 0}, {3, 0}, {4, 0}, {5, 0}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := run(t, test.claims, test.controllers, test.limit); !slices.Equal(got, test.want) {
				t.Errorf("second and controller are %v, want %v", got, test.want)
			}
		})
	}
}

// Whatever the claims are, every scenario runs, and none disturbs another.
func TestNothingIsDisturbed(t *testing.T) {
	t.Parallel()
	var claims []schedule.Claim
	for position := range 300 {
		claim := schedule.Claim{
			First: position%5 == 1, Settings: []string{"", "", "a", "b"}[position%4], Sole: position%7 == 3, Alone: position%29 == 4,
		}
		if position%50 < 6 {
			claim.Sequence = strconv.Itoa(position / 50)
		}
		claims = append(claims, claim)
	}
	all := run(t, claims, 3, 5)
	for position, now := range all {
		a := claims[position]
		if a.First && a.Sequence == "" && now.controller != 0 {
			t.Errorf("%+v used another controller than the first", a)
		}
		for other, then := range all[:position] {
			b := claims[other]
			sameSequence := a.Sequence != "" && a.Sequence == b.Sequence
			if sameSequence && (then.second >= now.second || then.controller != now.controller) {
				t.Errorf("the scenarios of %+v ran at %v and then %v", a, then, now)
			}
			if then.second != now.second {
				continue
			}
			exclusive := a.Sole || b.Sole || a.Sequence != "" || b.Sequence != "" || a.Settings != b.Settings
			if a.Alone || b.Alone || then.controller == now.controller && exclusive {
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
	turns := schedule.New([]schedule.Claim{{Sole: true}, {Sole: true}}, 1, 2)
	if _, err := turns.Begin(ctx, 1); !errors.Is(err, why) {
		t.Errorf("error is %v, want the cause", err)
	}
}
