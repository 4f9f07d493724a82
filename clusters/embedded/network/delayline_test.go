//go:build linux

package network

import (
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// arrival is a frame with the time since the start at which it came out.
type arrival struct {
	content string
	after   time.Duration
}

// recorder records what is written to it.
type recorder struct {
	began    time.Time
	arrivals []arrival
}

func (r *recorder) Write(content []byte) (int, error) {
	r.arrivals = append(r.arrivals, arrival{string(content), time.Since(r.began)})
	return len(content), nil
}

func TestADelayLineKeepsTheOrderOfFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, from := net.Pipe() // keeps what is written apart
		to := &recorder{began: time.Now()}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			delayLine{from: from, to: to, delay: 50 * time.Millisecond, jitter: 10 * time.Millisecond}.run()
		}()
		const frames = 100
		for i := range frames {
			if _, err := in.Write([]byte{byte(i)}); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		time.Sleep(time.Second) // by the clock of synctest
		if _, err := in.Write([]byte("late")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		in.Close()
		<-ended
		if len(to.arrivals) != frames {
			t.Fatalf("%d frames came out, want %d: the one that waited at the end is lost", len(to.arrivals), frames)
		}
		distinct := map[time.Duration]bool{}
		for i, a := range to.arrivals {
			if a.content != string([]byte{byte(i)}) || a.after < 40*time.Millisecond || a.after > 60*time.Millisecond {
				t.Errorf("frame %d is %q, after %s", i, a.content, a.after)
			}
			distinct[a.after] = true
		}
		if len(distinct) < 2 {
			t.Error("all frames were delayed by the same time")
		}
	})
}

// blocked accepts nothing until it is closed.
type blocked chan struct{}

func (b blocked) Write([]byte) (int, error) { <-b; return 0, io.ErrClosedPipe }

func TestADelayLineThatIsFullLosesFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, from := net.Pipe()
		to := make(blocked)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			delayLine{from: from, to: to}.run()
		}()
		for range waitingFrames + 10 {
			if _, err := in.Write([]byte("frame")); err != nil {
				t.Fatal(err)
			}
		}
		in.Close()
		close(to)
		<-ended
	})
}
