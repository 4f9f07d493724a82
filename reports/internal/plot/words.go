package plot

import (
	"fmt"
	"math"
	"time"
)

// StatusClasses are those of evidence.LoadBucket; what failed is first, and so at the bottom of a stack.
func StatusClasses() []string { return []string{"error", "5xx", "4xx", "3xx", "2xx", "1xx"} }

// Latency is a duration with three significant digits.
func Latency(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d >= time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d >= 100*time.Millisecond:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d >= time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%d µs", d.Microseconds())
}

// Seconds is a time with two decimals.
func Seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

// Between is a time or a period within a run.
func Between(from, to time.Duration) string {
	if to-from < 10*time.Millisecond {
		return "at " + Seconds(from)
	}
	return fmt.Sprintf("from %s to %s", Seconds(from), Seconds(to))
}

// Number is one with at most one decimal.
func Number(n float64) string {
	if n = finite(n); n == math.Trunc(n) {
		return fmt.Sprintf("%.0f", n)
	}
	return fmt.Sprintf("%.1f", n)
}

func finite(n float64) float64 {
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return 0
	}
	return n
}
