// Package metrics counts requests and their durations for Prometheus. Counting is a few atomic additions; everything
// more expensive is done when Prometheus scrapes.
package metrics

import (
	"sync/atomic"
	"time"
)

// Labels name a series. They come from the routing table and never from a request, so that their number is bounded
// by the table and not by what clients send.
type Labels struct {
	Host      string // of the rule: "*.gyull.com", "_" for every other host
	Path      string // of the rule
	Namespace string
	Ingress   string
	Service   string
	Canary    bool
}

// codes that are counted separately; any other is counted as its class, "2xx". An endpoint can send any three
// digits, which must not increase the number of series.
//
//nolint:gochecknoglobals // a table that is never changed
var codes = [...]int{101, 200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 408, 409,
	410, 411, 413, 414, 415, 422, 429, 431, 499, 500, 501, 502, 503, 504, 505}

// bounds are the histogram's upper bounds. They are Prometheus' own defaults and two steps below, because a proxy on
// the same machine adds less than 5 ms.
//
//nolint:gochecknoglobals // a table that is never changed
var bounds = [...]time.Duration{
	500 * time.Microsecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond,
	50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second,
	2500 * time.Millisecond, 5 * time.Second, 10 * time.Second,
}

// slots maps a status code to its place in Series.counts; the classes come after the codes.
//
//nolint:gochecknoglobals // a table that is never changed
var slots = codeSlots()

func codeSlots() (table [600]uint8) {
	for code := range table {
		table[code] = uint8(len(codes) + max(code/100, 1) - 1)
	}
	for i, code := range codes {
		table[code] = uint8(i)
	}
	return table
}

// Series is what one route has served. Its zero value has served nothing.
type Series struct {
	counts  [len(codes) + 5]atomic.Uint64
	buckets [len(bounds) + 1]atomic.Uint64
	nanos   atomic.Int64
	in, out atomic.Int64
}

// Observe counts one request: its status code, its duration, and the bytes of its body and of the reply's.
func (s *Series) Observe(code int, duration time.Duration, in, out int64) {
	switch {
	case code < 0:
		code = 0
	case code >= len(slots):
		code = len(slots) - 1 // clients take an unknown class for 5xx (RFC 9110 section 15)
	}
	s.counts[slots[code]].Add(1)
	bucket := 0
	for bucket < len(bounds) && duration > bounds[bucket] {
		bucket++
	}
	s.buckets[bucket].Add(1)
	s.nanos.Add(int64(duration))
	if in > 0 {
		s.in.Add(in)
	}
	if out > 0 {
		s.out.Add(out)
	}
}
