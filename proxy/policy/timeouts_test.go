package policy

import (
	"testing"
	"time"
)

func TestTimeouts(t *testing.T) {
	got := compile(t, Timeouts{Connect: time.Second}, Timeouts{Response: time.Minute}).Settings
	if got != (Settings{ConnectTimeout: time.Second, ResponseTimeout: time.Minute}) {
		t.Errorf("got %+v", got)
	}
}
