package plot_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/reports/internal/plot"
)

// A response may come after the last request was due, and with it samples that are beyond the plot.
func TestUsageBeyondThePlotIsNotDrawn(t *testing.T) {
	l := &evidence.Load{Interval: time.Second, Requests: 2, Buckets: []evidence.LoadBucket{{Requests: 1}, {Requests: 1}}}
	for _, at := range []time.Duration{time.Second / 2, 3 * time.Second / 2, 5 * time.Second, 6 * time.Second} {
		l.Usage = append(l.Usage, evidence.LoadUsage{At: at, CPU: 1, Memory: 1 << 20})
	}
	drawn := 0
	for _, panel := range plot.Timeline(l).Panels {
		if !strings.HasPrefix(panel.Title, "Ingress controller") {
			continue
		}
		drawn++
		if points := 1 + strings.Count(panel.Lines[0].Path, "L"); points != 2 {
			t.Errorf("%s: %d points in %q", panel.Title, points, panel.Lines[0].Path)
		}
	}
	if drawn != 2 {
		t.Errorf("%d plots of usage", drawn)
	}
}
