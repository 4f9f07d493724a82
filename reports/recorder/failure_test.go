package recorder

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ingress-testbed/testbed/reports/effect"
	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/reports/results"
)

func TestAllDeviationsOfAStep(t *testing.T) {
	one := &evidence.Failure{Expected: "200", Seen: "404", Look: []string{"the log"}, Effect: effect.Lost}
	two := &evidence.Failure{Expected: "401", Seen: "200", Cause: errors.New("no password"), Effect: effect.ProtectionLost}
	closed := errors.New("closed")
	for name, c := range map[string]struct {
		err  error
		want results.Failure
	}{
		"no failure": {fmt.Errorf("reading: %w", closed), results.Failure{Message: "reading: closed"}},
		"joined": {
			errors.Join(fmt.Errorf("GET /a: %w", one), two, fmt.Errorf("GET /c: %w", closed)),
			results.Failure{
				Expected: "200", Seen: "404", Context: "GET /a", Look: one.Look, Effect: effect.ProtectionLost,
				Others: []results.Deviation{{Expected: "401", Seen: "200"}, {Seen: "GET /c: closed"}},
			},
		},
		"joined, and wrapped again": {
			fmt.Errorf("the response of Pod a: %w", errors.Join(one, fmt.Errorf("row 2: %w", two))),
			results.Failure{
				Expected: "200", Seen: "404", Context: "the response of Pod a", Look: one.Look, Effect: effect.ProtectionLost,
				Others: []results.Deviation{{Context: "the response of Pod a: row 2", Expected: "401", Seen: "200"}},
			},
		},
		"the failure is not the first": {
			errors.Join(closed, one),
			results.Failure{Expected: "200", Seen: "404", Look: one.Look, Effect: effect.Lost, Others: []results.Deviation{{Seen: "closed"}}},
		},
		"two errors in a sentence": {
			fmt.Errorf("%w (%w)", two, closed),
			results.Failure{Expected: "401", Seen: "200", Cause: "no password", Context: "(closed)", Effect: effect.ProtectionLost},
		},
		"portable": {
			evidence.Portable(fmt.Errorf("GET http://a.scenario-1.test: %w", one), "GET http://a.${domain}"),
			results.Failure{Expected: "200", Seen: "404", Context: "GET http://a.scenario-1.test", Look: one.Look, Effect: effect.Lost, Key: "GET http://a.${domain}"},
		},
	} {
		c.want.Message = c.err.Error()
		if diff := cmp.Diff(&c.want, failure(c.err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
