package http2

import (
	"time"

	xhttp2 "golang.org/x/net/http2"
)

// budget limits a rate: a bucket that leaks. Its level must not exceed burst.
type budget struct {
	burst, rate float64 // units, units a second
	level       float64
	updated     time.Time
}

// charge adds a cost. It reports false if that exceeds the burst.
func (b *budget) charge(cost float64) bool {
	now := time.Now()
	b.level = max(b.level-b.rate*now.Sub(b.updated).Seconds(), 0) + cost
	b.updated = now
	return b.level <= b.burst
}

// forgive takes off a cost that was, or will be, charged for something legitimate. Nothing is saved up.
func (b *budget) forgive(cost float64) { b.level = max(b.level-cost, 0) }

// grace is how long a stream must have lived for its cancellation to be normal.
const grace = time.Second

func newResetBudget(streams int) budget {
	burst := float64(2 * streams)
	return budget{burst: burst, rate: burst / 8}
}

func newFrameBudget() budget { return budget{burst: 32 << 10, rate: 4 << 10} }

// What makes up for frames that cost something, in the units of frameCost.
const (
	requestCredit = 16 // a PING, PRIORITY and some WINDOW_UPDATEs
	dataCredit    = 2  // WINDOW_UPDATE of the stream and of the connection
)

// frameCost is what a frame costs that has neither a request nor content of a body. SETTINGS may change the windows of
// all streams; PING is answered; a header block that is discarded is decoded first.
func frameCost(kind xhttp2.FrameType) float64 {
	switch kind {
	case xhttp2.FrameSettings:
		return 32
	case xhttp2.FramePing, xhttp2.FrameHeaders:
		return 8
	default:
		return 1
	}
}
