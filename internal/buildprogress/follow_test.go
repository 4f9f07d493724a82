package buildprogress

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// event is output of a build, at a time since its start.
type event struct {
	at   time.Duration
	text string
}

// shown returns what is shown of a build, whose end is the last event, and of which stale packages are left when they are
// counted.
func shown(t *testing.T, terminal bool, stale int, events ...event) string {
	t.Helper()
	var out bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		output, build := io.Pipe()
		start := time.Now()
		go func() {
			defer build.Close()
			for _, event := range events {
				<-time.After(event.at - time.Since(start))
				fmt.Fprint(build, event.text)
			}
		}()
		count := func(context.Context) (int, error) {
			if stale < 0 {
				return 0, errors.New("go.mod is broken")
			}
			return stale, nil
		}
		if err := follow(t.Context(), output, count, &view{out: &out, terminal: terminal}); err != nil {
			t.Fatal(err)
		}
	})
	return out.String()
}

func packages(n int) string {
	var lines strings.Builder
	for i := range n {
		fmt.Fprintf(&lines, "example.com/p%d/v2\n", i)
	}
	return lines.String()
}

func TestLineAMinuteWithoutATerminal(t *testing.T) {
	got := shown(t, false, 390,
		event{1 * time.Second, "go: downloading example.com/a v1.0.0\n"},
		event{70 * time.Second, packages(10)},
		event{190 * time.Second, packages(90)},
		event{310 * time.Second, packages(300)},
		event{370 * time.Second, ""},
	)
	want := "  1 min: 1 modules downloaded\n" +
		"  2 min: 10 of 390 packages compiled\n" +
		"  3 min: 10 of 390 packages compiled\n" +
		"  4 min: 100 of 390 packages compiled, about 8 min left\n" +
		"  5 min: 100 of 390 packages compiled, about 11 min left\n" +
		"  6 min: 400 packages compiled, linking\n"
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestTotalAndTimeLeft(t *testing.T) {
	// Ten packages are compiled when 190 are left, so there are 200; half of them take until 95 s.
	got := shown(t, false, 190,
		event{0, packages(10)},
		event{60 * time.Second, packages(90)},
		event{121 * time.Second, packages(100)},
		event{181 * time.Second, ""},
	)
	want := "  1 min: 10 of 200 packages compiled\n" +
		"  2 min: 100 of 200 packages compiled, about 2 min left\n" +
		"  3 min: 200 packages compiled, linking\n"
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestWithoutATotal(t *testing.T) {
	got := shown(t, false, -1, event{0, packages(10)}, event{61 * time.Second, ""})
	if want := "  1 min: 10 packages compiled\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestShortBuildsPrintNothingButErrors(t *testing.T) {
	got := shown(t, false, 0, event{time.Second, packages(3) + "# example.com/p1\np1.go:1:1: expected 'package'\n"})
	if want := "# example.com/p1\np1.go:1:1: expected 'package'\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestOneLineOnATerminal(t *testing.T) {
	got := shown(t, true, 0, event{time.Second, "example.com/a\n"}, event{2 * time.Second, "# example.com/a\n"}, event{3 * time.Second, "example.com/b\n"})
	want := "\r\x1b[K  1 s: 1 packages compiled" + "\r\x1b[K# example.com/a\n" + "\r\x1b[K  3 s: 2 packages compiled" + "\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The rest of the output is read, so that the build doesn't block.
func TestTooLongLine(t *testing.T) {
	output, build := io.Pipe()
	written := make(chan error, 1)
	go func() {
		_, err := fmt.Fprint(build, strings.Repeat("x", maxLine+1)+"\nexample.com/a\n")
		build.Close()
		written <- err
	}()
	count := func(context.Context) (int, error) { return 0, nil }
	if err := follow(t.Context(), output, count, &view{out: io.Discard}); err == nil {
		t.Error("no error")
	}
	if err := <-written; err != nil {
		t.Errorf("the build could not write: %v", err)
	}
}

// A count that takes longer than the build ends with it.
func TestCountEndsWithTheBuild(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		output, build := io.Pipe()
		time.AfterFunc(time.Minute, func() { build.Close() })
		ended := false
		count := func(ctx context.Context) (int, error) {
			<-ctx.Done()
			ended = true
			return 0, ctx.Err()
		}
		if err := follow(t.Context(), output, count, &view{out: io.Discard}); err != nil {
			t.Fatal(err)
		}
		if !ended {
			t.Error("the packages are still being counted")
		}
	})
}
