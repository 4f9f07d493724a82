package comparing

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// requestProgress shows how many requests are done and how long the rest takes, a few times a second on a terminal and else
// every ten seconds.
type requestProgress struct {
	w             io.Writer
	terminal      bool
	started, last time.Time
}

func newRequestProgress(w io.Writer) *requestProgress {
	file, ok := w.(*os.File)
	return &requestProgress{w: w, terminal: ok && term.IsTerminal(int(file.Fd()))}
}

func (p *requestProgress) show(done, all int) {
	now, interval := time.Now(), 10*time.Second
	if p.terminal {
		interval = 200 * time.Millisecond
	}
	if p.started.IsZero() {
		p.started, p.last = now, now
	}
	if now.Sub(p.last) < interval || done == 0 {
		return
	}
	p.last = now
	rest := time.Duration(float64(now.Sub(p.started)) / float64(done) * float64(all-done)).Round(time.Second)
	if p.terminal {
		fmt.Fprintf(p.w, "\r\x1b[K%d of %d requests, %s left", done, all, rest)
	} else {
		fmt.Fprintf(p.w, "%d of %d requests, %s left\n", done, all, rest)
	}
}

func (p *requestProgress) end() {
	if p.terminal {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
