package replay

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ingress-testbed/testbed/steps/replay/record"
)

// What a limit refills while the requests are sent is not recorded.
func TestLimited(t *testing.T) {
	t.Parallel()
	counted := func(accepted, refused int) []record.Answer {
		return []record.Answer{{Status: 200, Count: accepted}, {Status: 503, Count: refused}}
	}
	all := []record.Answer{{Status: 200}}
	for name, test := range map[string]struct {
		answers     []record.Answer
		elapsed     time.Duration
		want        record.Request
		unsupported bool
	}{
		"at once":                {counted(11, 14), 400 * time.Millisecond, record.Request{Judge: record.JudgeBucket, Refill: 2, Answers: counted(11, 14)}, false},
		"in two seconds":         {counted(15, 10), 2100 * time.Millisecond, record.Request{Judge: record.JudgeBucket, Refill: 2, Answers: counted(11, 14)}, false},
		"for the most part late": {counted(3, 22), 9 * time.Second, record.Request{Judge: record.JudgeBucket, Refill: 2, Answers: counted(1, 24)}, false},
		"no limit":               {all, time.Second, record.Request{Answers: all}, false},
		"too slow to tell":       {all, 7 * time.Second, record.Request{Answers: all}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := record.Request{Times: 25, Answers: append([]record.Answer(nil), test.answers...)}
			if err := limited(&got, 2, test.elapsed); errors.Is(err, ErrUnsupported) != test.unsupported {
				t.Errorf("got the error %v", err)
			}
			test.want.Times = got.Times
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
