//go:build linux

package network

import (
	"context"
	"io"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// longestFrame bounds an Ethernet frame, in bytes.
	longestFrame = 1 << 16
	// waitingFrames is how many frames may be in a delay line. Further ones are lost, as in a full queue of a router.
	waitingFrames = 4096
)

// delayLine copies Ethernet frames from one place to another, each after a time between delay-jitter and delay+jitter, and
// in their order.
type delayLine struct {
	from          io.Reader // returns one frame a call
	to            io.Writer // takes one frame a call
	delay, jitter time.Duration
}

// frame is one that waits until it is due.
type frame struct {
	content []byte
	due     time.Time
}

// run copies until from returns an error, which is the normal end. Frames that are still waiting are lost then. A frame that
// can't be written is lost too, as on an unplugged cable.
func (d delayLine) run() {
	ctx, stop := context.WithCancel(context.Background())
	waiting := make(chan frame, waitingFrames)
	var sending sync.WaitGroup
	defer sending.Wait()
	defer stop()
	sending.Go(func() { d.send(ctx, waiting) })
	buffer := make([]byte, longestFrame)
	for {
		n, err := d.from.Read(buffer)
		if err != nil {
			return
		}
		select {
		case waiting <- frame{append([]byte(nil), buffer[:n]...), time.Now().Add(d.time())}:
		default:
		}
	}
}

func (d delayLine) time() time.Duration {
	if d.jitter <= 0 {
		return d.delay
	}
	return max(0, d.delay-d.jitter+rand.N(2*d.jitter+1)) //nolint:gosec // a delay is no secret
}

func (d delayLine) send(ctx context.Context, waiting <-chan frame) {
	for {
		var next frame
		select {
		case <-ctx.Done():
			return
		case next = <-waiting:
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(next.due)):
			_, _ = d.to.Write(next.content)
		}
	}
}
