// Package deadline keeps the read and write deadlines of a connection without setting them for every request: a
// deadline that is set somewhat late serves several waits. A wait ends after its limit, and at most a quarter later.
package deadline

import "time"

// Lazy is one deadline. Its zero value is one that is not set.
type Lazy struct {
	at time.Time
}

// Extend makes sure that a wait that starts now ends after limit, at most a quarter later. It calls set only if the
// current deadline doesn't fit.
func (l *Lazy) Extend(set func(time.Time) error, now time.Time, limit time.Duration) error {
	latest := limit + limit/4
	if left := l.at.Sub(now); left >= limit && left <= latest {
		return nil
	}
	l.at = now.Add(latest)
	return set(l.at)
}

// Forget makes the next Extend set the deadline, whatever was set before.
func (l *Lazy) Forget() { l.at = time.Time{} }
