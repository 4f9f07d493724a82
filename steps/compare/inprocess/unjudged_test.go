package inprocess_test

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/reports/comparison"
	"github.com/ingress-testbed/testbed/steps/compare"
	"github.com/ingress-testbed/testbed/steps/compare/inprocess"
)

var errBroken = errors.New("broken by the test")

// breaking compares the controller with itself, while connections of the reference to endpoints break as the function says, by
// the number of what was sent before.
func breaking(t *testing.T, broken func(number int64) bool) *comparison.Candidate {
	t.Helper()
	var sent atomic.Int64
	reference := &inprocess.Target{Break: func() error {
		if broken(sent.Add(1)) {
			return errBroken
		}
		return nil
	}}
	report, err := compare.Run(t.Context(), read(t, "testdata/routing.yaml", "testdata/protection.yaml"), reference, []compare.Target{&inprocess.Target{}},
		compare.Options{Parallel: 16, Pauses: []time.Duration{time.Nanosecond}})
	if err != nil {
		t.Fatal(err)
	}
	if c := &report.Candidates[0]; len(c.Findings) > 0 {
		t.Errorf("broken connections of the stand-ins are findings:\n%s", text(t, report))
	}
	return &report.Candidates[0]
}

// Connections that break while many requests are sent change nothing: the requests are sent again afterwards.
func TestBrokenUnderLoad(t *testing.T) {
	t.Parallel()
	c := breaking(t, func(number int64) bool { return number < 60 })
	if len(c.Unjudged) > 0 || c.ByChance == 0 {
		t.Errorf("%d by chance, and %v", c.ByChance, c.Unjudged)
	}
}

// Connections that break now and then leave requests that can't be judged.
func TestBrokenNowAndThen(t *testing.T) {
	t.Parallel()
	c := breaking(t, func(number int64) bool { return number/8%2 == 1 })
	if !slices.ContainsFunc(c.Unjudged, func(one comparison.Unjudged) bool {
		return strings.Contains(one.Reason, "the answers of the reference to the same request change: ") && strings.Contains(one.Reason, " × 50")
	}) {
		t.Errorf("no request whose answers change: %+v", c.Unjudged)
	}
	for _, one := range c.Unjudged {
		if one.Ingress == "" || one.Request == "" || !strings.HasPrefix(one.Reason, "the answers of the reference ") && !strings.HasPrefix(one.Reason, "the reference ") {
			t.Errorf("%+v", one)
		}
	}
}

// Stand-ins that are gone are not routes that are lost.
func TestBrokenForGood(t *testing.T) {
	t.Parallel()
	c := breaking(t, func(number int64) bool { return number > 20 })
	if len(c.Unjudged) == 0 {
		t.Error("all requests were judged")
	}
	for _, one := range c.Unjudged {
		if !strings.Contains(one.Reason, "the reference doesn't respond: ") && !strings.Contains(one.Reason, "change: ") {
			t.Errorf("%+v", one)
		}
	}
}
