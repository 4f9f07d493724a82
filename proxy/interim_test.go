package proxy

import (
	"testing"
	"time"
)

// TestLateAfterTheReply has a time limit that runs out while the reply is being taken.
func TestLateAfterTheReply(t *testing.T) {
	x := &exchange{server: &Server{config: Config{Timeouts: Timeouts{Response: time.Hour}}}, at: new(location)}
	body := &bodyReader{exchange: x}
	giveUp := func(err error) { t.Errorf("a request that was answered is given up: %v", err) }
	i := newInterimReplies(x, body, giveUp)
	if err := i.end(); err != nil {
		t.Fatal(err)
	}
	i.late(body, giveUp)
}
