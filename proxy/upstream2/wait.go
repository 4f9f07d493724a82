package upstream

import "time"

// watchInterval is how long a read waits at most before it is looked whether the client is still there.
const watchInterval = 300 * time.Millisecond

// wait is the time limit of a wait for an endpoint, which is made of shorter ones.
type wait struct {
	call  *Call
	since time.Time
}

// slice is how long the next read may take.
func (w *wait) slice() time.Duration { return min(watchInterval, w.call.Timeouts.Response) }

// overdue is an error when the whole time has passed, also if the endpoint sends something again and again.
func (w *wait) overdue(now time.Time) error {
	if now.Sub(w.since) < w.call.Timeouts.Response {
		return nil
	}
	w.since = w.call.sender.silentSince(w.since, now)
	if now.Sub(w.since) >= w.call.Timeouts.Response {
		return errSlow
	}
	return nil
}

// next decides what follows a read that has timed out: nil is another one.
func (w *wait) next() error {
	if w.call.Client.Gone() {
		return ErrClientGone
	}
	return w.overdue(time.Now())
}
