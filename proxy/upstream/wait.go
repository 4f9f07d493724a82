package upstream

import (
	"errors"
	"net/http"
	"time"

	"github.com/ingress-testbed/testbed/proxy/message"
)

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
	now := time.Now()
	if err := w.proceed(now); err != nil {
		return err
	}
	return w.overdue(now)
}

// continueAfter is how long an endpoint may leave "Expect: 100-continue" unanswered. Then the client is told to send the
// body: some endpoints know no expectations, and some clients wait for ever.
const continueAfter = time.Second

// proceed answers the client's expectation in the place of a silent endpoint.
func (w *wait) proceed(now time.Time) error {
	sender := &w.call.sender
	if sender.done == nil || sender.invited.Load() || now.Sub(w.since) < continueAfter {
		return nil
	}
	sender.invite()
	if err := w.call.Client.Informational(&message.Response{Status: http.StatusContinue}); err != nil {
		return errors.Join(ErrClientGone, err)
	}
	return nil
}
