package embedded

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/clusters/embedded/lastend"
)

func TestLastEnd(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	if got := lastend.Reason("a"); got != "" {
		t.Errorf("before: %q", got)
	}
	when := time.Date(2026, 1, 1, 15, 4, 5, 0, time.Local)
	if err := lastend.Record("a", when, errors.New("etcd ended")); err != nil {
		t.Fatal(err)
	}
	const want = "it ended at 15:04:05, because etcd ended"
	if got := lastend.Reason("a"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := lastend.Reason("b"); got != "" {
		t.Errorf("another cluster: %q", got)
	}
	if _, err := Find(t.Context(), "a"); !errors.Is(err, ErrNotRunning) || !strings.Contains(err.Error(), want) {
		t.Errorf("the error lacks the reason: %v", err)
	}
	for range 2 { // also if there is nothing to forget
		if err := lastend.Forget("a"); err != nil {
			t.Error(err)
		}
	}
	if got := lastend.Reason("a"); got != "" {
		t.Errorf("afterwards: %q", got)
	}
}
