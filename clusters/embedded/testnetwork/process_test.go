//go:build linux

package testnetwork

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestLastLineOfALog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if got := lastLine(path); !strings.Contains(got, path) {
		t.Errorf("of a log that is not there: %q", got)
	}
	long := strings.Repeat("x", 2*longestTail)
	for content, want := range map[string]string{
		"":                    "",
		"one":                 "one",
		"one\ntwo\n\n":        "two",
		long + "\nthree\n":    "three",
		"one\n" + long + "\n": long[:longestTail-1],
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := lastLine(path); got != want {
			t.Errorf("of %d bytes: %.40q, want %.40q", len(content), got, want)
		}
	}
}

func TestStoppedFor(t *testing.T) {
	p := &processes{running: map[string]*process{
		"running": {}, "stopped": {stopped: time.Now().Add(-time.Minute)},
	}}
	for name, atLeast := range map[string]time.Duration{"running": 0, "stopped": time.Minute, "unknown": 0} {
		if got := p.stoppedFor(name); got < atLeast || got > atLeast+30*time.Second {
			t.Errorf("%s: %s", name, got)
		}
	}
}
