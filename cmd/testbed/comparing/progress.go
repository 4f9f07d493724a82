package comparing

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// requestProgress shows how many requests of a stage are done and how long the rest takes, a few times a second on a terminal and
// else every ten seconds.
type requestProgress struct {
	w             io.Writer
	terminal      bool
	stage         string
	started, last time.Time
}

func newRequestProgress(w io.Writer) *requestProgress {
	file, ok := w.(*os.File)
	return &requestProgress{w: w, terminal: ok && term.IsTerminal(int(file.Fd()))}
}

func (p *requestProgress) show(stage string, done, all int) {
	now, interval := time.Now(), 10*time.Second
	if p.terminal {
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
	if p.terminal {
		fmt.Fprintf(p.w, "\r\x1b[K%s: %d of %d, %s left", stage, done, all, rest)
	} else {
		fmt.Fprintf(p.w, "%s: %d of %d, %s left\n", stage, done, all, rest)
	}
}

func (p *requestProgress) end() {
	if p.terminal {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
