// Package terminal shows a run's progress: a line for each scenario that has ended, in the order of the feature files, what
// failed and where to look, and at the end the verdict. On a terminal a last line shows the step that has run for longest;
// elsewhere a line says how many scenarios have ended when none could be shown for a while.
package terminal

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/ingress-testbed/testbed/reports/plaintext"
	"github.com/ingress-testbed/testbed/reports/recorder"
	"github.com/ingress-testbed/testbed/reports/results"
)

// silence is how long output that is not live stays without a line: scenarios that have ended are not shown before those of
// earlier files, which may run last.
const silence = 30 * time.Second

// Options say what the output can show.
type Options struct {
	// Live allows a line that is overwritten as steps come and go.
	Live bool
	// Colour allows colours.
	Colour bool
	// Width is the number of columns; it is read again for each line, as windows change. Nil stands for 100.
	Width func() int
}

// Detect finds out what a file can show: live output on a terminal, and colours there unless the environment
// variable NO_COLOR is set and not empty (no-color.org) or the terminal is a dumb one.
func Detect(file *os.File, environment func(string) string) Options {
	descriptor := int(file.Fd())
	if !term.IsTerminal(descriptor) || environment("TERM") == "dumb" {
		return Options{}
	}
	return Options{
		Live:   true,
		Colour: environment("NO_COLOR") == "",
		Width: func() int {
			width, _, err := term.GetSize(descriptor)
			if err != nil {
				return 0
			}
			return width
		},
	}
}

// Progress writes the progress that the recorder reports to the terminal. It is a recorder.Listener.
type Progress struct {
	out     io.Writer
	options Options
	paint   palette
	now     func() time.Time

	mutex   sync.Mutex
	feature string // last one whose name was written
	running []step // by when they began
	// ended are scenarios that have ended before one of an earlier position, by position; next is the first that has not.
	ended map[int]recorder.ScenarioEvent
	next  int
	total int
	done  int
	wrote time.Time     // the last line
	stop  chan struct{} // ends the clock; nil if it doesn't run
}

// step is one that runs now.
type step struct {
	position int // of the scenario
	text     string
	since    time.Time
}

// New makes a progress display. Close has to be called before anything else writes to the same terminal.
func New(out io.Writer, options Options) *Progress {
	return &Progress{
		out: out, options: options, paint: palette(options.Colour), now: time.Now, ended: map[int]recorder.ScenarioEvent{},
	}
}

// RunStarted implements recorder.Listener.
func (p *Progress) RunStarted(counts results.Counts) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.total = counts.Total
	p.wrote = p.now()
	if p.stop == nil {
		p.stop = make(chan struct{})
		go p.tick(p.stop)
	}
}

// tick updates the time on the live line, or writes how far the run is, so that a slow run doesn't look like a stuck one.
func (p *Progress) tick(stop <-chan struct{}) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			p.mutex.Lock()
			p.drawLive()
			if !p.options.Live && p.now().Sub(p.wrote) >= silence {
				p.line(fmt.Sprintf("  … %d of %d scenarios have ended", p.done, p.total))
			}
			p.mutex.Unlock()
		}
	}
}

// StepStarted implements recorder.Listener.
func (p *Progress) StepStarted(event recorder.ScenarioEvent, begun results.Step) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.stepEnded(event.Position)
	p.running = append(p.running, step{
		position: event.Position, since: p.now(),
		text: plaintext.Line(event.Scenario.FullName()) + " · " + plaintext.Line(begun.Keyword+" "+begun.Text),
	})
	p.drawLive()
}

// ScenarioFinished implements recorder.Listener.
func (p *Progress) ScenarioFinished(event recorder.ScenarioEvent) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.done++
	p.stepEnded(event.Position)
	p.clearLive()
	p.ended[event.Position] = event
	for {
		next, ended := p.ended[p.next]
		if !ended {
			break
		}
		p.writeEnded(next)
		p.next++
	}
	p.drawLive()
}

// writeEnded writes the line of a scenario that has ended, and what failed.
func (p *Progress) writeEnded(event recorder.ScenarioEvent) {
	delete(p.ended, event.Position)
	if feature := event.Feature.URI; feature != p.feature {
		p.feature = feature
		p.line("")
		p.line(p.paint.bold(plaintext.Line(event.Feature.Name)) + "  " + p.paint.quiet(plaintext.Line(feature)))
	}
	p.scenario(&event)
}

// stepEnded removes the step of a scenario from those that run.
func (p *Progress) stepEnded(position int) {
	p.running = slices.DeleteFunc(p.running, func(s step) bool { return s.position == position })
}

// Close ends the live display, and erases its line. It may be called several times.
func (p *Progress) Close() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.close()
}

func (p *Progress) close() {
	if p.stop != nil {
		close(p.stop)
		p.stop = nil
	}
	p.running = nil
	p.clearLive()
	for _, position := range slices.Sorted(maps.Keys(p.ended)) {
		p.writeEnded(p.ended[position])
	}
}

// Summary closes the display and writes the verdict, the counts, the time, and where the reports are ("" for none). After a
// long run the failures are written once more, since they have left the screen.
func (p *Progress) Summary(run results.Run, report string) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.close()
	verdict := run.Verdict()
	if verdict.Counts.Total > screen {
		p.failures(run)
	}
	p.line("")
	if verdict.Passed {
		p.line(p.paint.passed("Passed"))
	} else {
		p.line(p.paint.failed("Not passed: " + plaintext.Line(verdict.Reason)))
	}
	counts := verdict.Counts.String()
	if took := run.Duration(); took > 0 {
		counts += ", in " + plaintext.Duration(took)
	}
	p.line(counts)
	if report != "" {
		p.line("Report: " + report)
	}
}

func (p *Progress) width() int {
	if p.options.Width != nil {
		if width := p.options.Width(); width >= 20 {
			return width
		}
	}
	return 100
}

// line writes a line. If the terminal has been closed, the run continues.
func (p *Progress) line(text string) {
	p.wrote = p.now()
	_, _ = io.WriteString(p.out, strings.TrimRight(text, " ")+"\n")
}

func (p *Progress) clearLive() {
	if p.options.Live {
		_, _ = io.WriteString(p.out, "\r\x1b[K")
	}
}

// drawLive shows the step that has been running for longest, because it is the one that may be stuck.
func (p *Progress) drawLive() {
	if !p.options.Live || len(p.running) == 0 {
		return
	}
	oldest, tail := p.running[0], ""
	if seconds := int(p.now().Sub(oldest.since).Seconds()); seconds >= 2 {
		tail = fmt.Sprintf(" %d s", seconds)
	}
	if more := len(p.running) - 1; more > 0 {
		tail += fmt.Sprintf(" (and %d more)", more)
	}
	head := fmt.Sprintf("  %d/%d ", p.done+1, p.total)
	// The last column stays free: writing to it makes some terminals begin a new line.
	room := p.width() - len(head) - len(tail) - 1
	_, _ = io.WriteString(p.out, "\r\x1b[K"+p.paint.quiet(head+fit(oldest.text, room)+tail))
}
