package comparing

import (
	"fmt"
	"io"
	"time"

	"github.com/ingress-testbed/testbed/cmd/testbed/progress"
)

// requestProgress shows how many requests of a stage are done and how long the rest takes, a few times a second on a terminal and
// otherwise every ten seconds.
type requestProgress struct {
	line          progress.Line
	stage         string
	started, last time.Time
}

func newRequestProgress(w io.Writer) *requestProgress {
	return &requestProgress{line: progress.NewLine(w)}
}

func (p *requestProgress) show(stage string, done, all int) {
	now, interval := time.Now(), 10*time.Second
	if p.line.Replaces {
		interval = 200 * time.Millisecond
	}
	if p.stage != stage {
		p.stage, p.started, p.last = stage, now, now
	}
	if now.Sub(p.last) < interval || done == 0 {
		return
	}
	p.last = now
	rest := time.Duration(float64(now.Sub(p.started)) / float64(done) * float64(all-done)).Round(time.Second)
	p.line.Show(fmt.Sprintf("%s: %d of %d, %s left", stage, done, all, rest))
}
