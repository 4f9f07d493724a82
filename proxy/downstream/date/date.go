// Package date formats the Date field of replies (RFC 9110 section 6.6.1) once a second.
package date

import (
	"net/http"
	"sync/atomic"
	"time"
)

// Cache holds the last date. The zero value is ready; it may be used concurrently.
type Cache struct {
	last atomic.Pointer[formatted]
}

type formatted struct {
	second int64
	text   string
}

// At returns the value of the Date field at a time.
func (c *Cache) At(now time.Time) string {
	second := now.Unix()
	if last := c.last.Load(); last != nil && last.second == second {
		return last.text
	}
	next := &formatted{second: second, text: now.UTC().Format(http.TimeFormat)}
	c.last.Store(next)
	return next.text
}
