package downstream

import (
	"net/http"
	"sync/atomic"
	"time"
)

// dates formats the Date field of replies (RFC 9110 section 6.6.1), once a second.
type dates struct {
	last atomic.Pointer[date]
}

type date struct {
	second int64
	text   string
}

func (d *dates) at(now time.Time) string {
	second := now.Unix()
	if last := d.last.Load(); last != nil && last.second == second {
		return last.text
	}
	next := &date{second: second, text: now.UTC().Format(http.TimeFormat)}
	d.last.Store(next)
	return next.text
}
