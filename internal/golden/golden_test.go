package golden

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// probe is a test that only keeps what it is failed with.
type probe struct {
	testing.TB
	failures []string
}

func (p *probe) Helper() {}

func (p *probe) Errorf(format string, args ...any) {
	p.failures = append(p.failures, fmt.Sprintf(format, args...))
}

func (p *probe) Fatalf(format string, args ...any) {
	p.Errorf(format, args...)
	runtime.Goexit()
}

// failures are those of a comparison.
func failures(file, content string, write bool) []string {
	p := &probe{}
	done := make(chan struct{})
	go func() { // Fatalf ends its goroutine
		defer close(done)
		compare(p, file, content, write)
	}()
	<-done
	return p.failures
}

func TestCompare(t *testing.T) {
	file := filepath.Join(t.TempDir(), "testdata", "page.txt")
	if got := failures(file, "one\n", false); len(got) != 1 || !strings.Contains(got[0], "-update") {
		t.Errorf("without a file the failures are %q", got)
	}
	if got := failures(file, "one\n", true); len(got) != 0 {
		t.Errorf("writing the file fails: %q", got)
	}
	if got := failures(file, "one\n", false); len(got) != 0 {
		t.Errorf("the same content fails: %q", got)
	}
	if got := failures(file, "one", false); len(got) != 1 || !strings.Contains(got[0], "page.txt differs") {
		t.Errorf("for other content the failures are %q", got)
	}
	if content, err := os.ReadFile(file); err != nil || string(content) != "one\n" {
		t.Errorf("a comparison has changed the file to %q, %v", content, err)
	}
	if got := failures(filepath.Join(file, "below"), "", true); len(got) != 1 {
		t.Errorf("for a file that can't be written the failures are %q", got)
	}
}
