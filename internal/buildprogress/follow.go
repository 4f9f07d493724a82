package buildprogress

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
)

// packageLine is what `go build -v` prints when it begins to compile a package; other lines have spaces or "#".
var packageLine = regexp.MustCompile(`^[\w./~+-]+$`)

// maxLine bounds a line of the compiler, in bytes.
const maxLine = 1 << 20

// follow reads the output of `go build -v` to its end and updates the view. If the build takes long, count is called
// once, meanwhile; it returns how many packages are still to be compiled.
func follow(ctx context.Context, output io.Reader, count func(context.Context) (int, error), view *view) error {
	lines := make(chan string)
	var readErr error
	go func() {
		defer close(lines)
		readErr = readLines(output, lines)
	}()
	ctx, cancel := context.WithCancel(ctx)
	var counted chan int // nil unless count is running
	defer func() {
		cancel()
		if counted != nil {
			<-counted
		}
	}()
	startCount := time.NewTimer(quiet)
	defer startCount.Stop()
	tick := time.NewTicker(interval)
	defer tick.Stop()
	view.start = time.Now()
	for {
		select {
		case line, more := <-lines:
			if !more {
				view.end()
				return readErr
			}
			view.line(line)
		case <-startCount.C:
			counted = make(chan int, 1)
			go func() { counted <- countOrZero(ctx, count) }()
		case n := <-counted:
			counted = nil
			if n > 0 {
				view.total = view.compiled + n
			}
		case <-tick.C:
			view.tick()
		}
	}
}

// countOrZero returns 0 if the packages can't be counted: then progress has no total.
func countOrZero(ctx context.Context, count func(context.Context) (int, error)) int {
	n, err := count(ctx)
	if err != nil {
		return 0
	}
	return n
}

func readLines(from io.Reader, lines chan<- string) error {
	scanner := bufio.NewScanner(from)
	scanner.Buffer(nil, maxLine)
	for scanner.Scan() {
		lines <- scanner.Text()
	}
	if scanner.Err() == nil {
		return nil
	}
	_, err := io.Copy(io.Discard, from) // so that the build isn't blocked
	return errors.Join(fmt.Errorf("reading the output of go build: %w", scanner.Err()), err)
}

// view is what is shown of a build.
type view struct {
	out      io.Writer
	terminal bool

	start        time.Time
	firstPackage time.Time
	downloaded   int // modules
	compiled     int // packages, those that are being compiled included
	total        int // packages to compile; 0 if not known
	drawn        bool
}

func (v *view) line(line string) {
	switch {
	case strings.HasPrefix(line, "go: downloading "):
		v.downloaded++
		v.redraw()
	case packageLine.MatchString(line):
		if v.compiled == 0 {
			v.firstPackage = time.Now()
		}
		v.compiled++
		v.redraw()
	default:
		v.erase()
		fmt.Fprintln(v.out, line)
	}
}

func (v *view) redraw() {
	if !v.terminal {
		return
	}
	fmt.Fprintf(v.out, "\r\x1b[K  %s", v.text())
	v.drawn = true
}

func (v *view) erase() {
	if v.drawn {
		fmt.Fprint(v.out, "\r\x1b[K")
		v.drawn = false
	}
}

// tick is called once a minute.
func (v *view) tick() {
	if v.terminal {
		v.redraw()
		return
	}
	fmt.Fprintf(v.out, "  %s\n", v.text())
}

// end ends the last line.
func (v *view) end() {
	if v.drawn {
		fmt.Fprintln(v.out)
	}
}

// text says how far the build is, such as "2 min: 412 of 1893 packages compiled, about 8 min left".
func (v *view) text() string {
	elapsed := time.Since(v.start)
	text := minutes(elapsed) + ": "
	switch {
	case v.compiled == 0 && v.downloaded > 0:
		return fmt.Sprintf("%s%d modules downloaded", text, v.downloaded)
	case v.compiled == 0:
		return text + "looking for what to compile"
	case v.total <= v.compiled && v.total > 0:
		return fmt.Sprintf("%s%d packages compiled, linking", text, v.compiled)
	case v.total == 0:
		return fmt.Sprintf("%s%d packages compiled", text, v.compiled)
	}
	text += fmt.Sprintf("%d of %d packages compiled", v.compiled, v.total)
	if v.compiled*10 < v.total { // too early to extrapolate
		return text
	}
	left := time.Since(v.firstPackage) * time.Duration(v.total-v.compiled) / time.Duration(v.compiled)
	return text + ", about " + minutes(left) + " left"
}

func minutes(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%d s", int(d.Seconds()))
	}
	return fmt.Sprintf("%d min", int(d.Round(time.Minute).Minutes()))
}
