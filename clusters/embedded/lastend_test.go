package embedded

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestLastEnd(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	if got := LastEnd("a"); got != "" {
		t.Errorf("before: %q", got)
	}
	when := time.Date(2026, 1, 1, 15, 4, 5, 0, time.Local)
	if err := recordEnd("a", when, errors.New("etcd ended")); err != nil {
		t.Fatal(err)
	}
	const want = "it ended at 15:04:05, because etcd ended"
	if got := LastEnd("a"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := LastEnd("b"); got != "" {
		t.Errorf("another cluster: %q", got)
	}
	if _, err := Find(t.Context(), "a"); !errors.Is(err, ErrNotRunning) || !strings.Contains(err.Error(), want) {
		t.Errorf("the error lacks the reason: %v", err)
	}
	for range 2 { // also if there is nothing to forget
		if err := ForgetEnd("a"); err != nil {
			t.Error(err)
		}
	}
	if got := LastEnd("a"); got != "" {
		t.Errorf("afterwards: %q", got)
	}
}
