package policy

import (
	"testing"
	"time"
)

func TestRetry(t *testing.T) {
	if got := compile(t, Retry{Attempts: 2}).Settings.Retry; got == nil || got.Attempts != 2 {
		t.Errorf("got %+v", got)
	}
	for want, p := range map[string]Retry{
		"retry": {}, "retry never": {Never: true, Timeouts: true},
		"retry time-outs 500 503 non-idempotent attempts=2 within=1s": {
			Timeouts: true, Statuses: []int{500, 503}, NonIdempotent: true, Attempts: 2, Within: time.Second,
		},
	} {
		if got := p.Text(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
