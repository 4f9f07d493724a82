package main

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// result is what was measured of one subject.
type result struct {
	subject string
	samples []sample
}

// writeTable prints medians, and ratios to the first result. A ratio is that of two neighbouring measurements; the
// median of the rounds is printed, and the smallest and greatest in brackets.
func writeTable(w io.Writer, results []result) {
	to := results[0].subject
	fmt.Fprintf(w, "| subject | requests/s | throughput to %s | CPU s per 100,000 | CPU to %s | p50 | p99 | p99 to %s |\n", to, to, to)
	fmt.Fprintln(w, "| --- | --- | --- | --- | --- | --- | --- | --- |")
	base := results[0].samples
	for _, r := range results {
		rate := func(s sample) float64 { return s.perSecond }
		cpu := func(s sample) float64 { return s.cpu }
		p99 := func(s sample) float64 { return s.p99.Seconds() }
		fmt.Fprintf(w, "| %s | %.0f | %s | %.2f | %s | %s | %s | %s |\n", r.subject,
			median(values(r.samples, rate)), ratio(r.samples, base, rate),
			median(values(r.samples, cpu)), ratio(r.samples, base, cpu),
			duration(median(values(r.samples, func(s sample) float64 { return s.p50.Seconds() }))),
			duration(median(values(r.samples, p99))), ratio(r.samples, base, p99))
	}
}

// writeWaits prints what a request waits for besides the work itself: how often a thread of the subject gives its core
// up (or loses it, in brackets), and how long the threads of each part wait for a core although they have work, in
// microseconds a request, and in brackets a turn. Medians of the rounds.
func writeWaits(w io.Writer, results []result) {
	fmt.Fprintln(w, "\n| subject | context switches a request (preempted) | µs for a core, subject (a turn) | endpoints | generator |")
	fmt.Fprintln(w, "| --- | --- | --- | --- | --- |")
	for _, r := range results {
		each := func(count func(waits) int64) float64 {
			return median(values(r.samples, func(s sample) float64 { return float64(count(s.subject)) / float64(s.requests) }))
		}
		queued := func(part func(sample) waits) string {
			request := func(s sample) float64 { return micros(part(s)) / float64(s.requests) }
			turn := func(s sample) float64 { return micros(part(s)) / float64(max(part(s).turns, 1)) }
			return fmt.Sprintf("%.1f (%.0f)", median(values(r.samples, request)), median(values(r.samples, turn)))
		}
		fmt.Fprintf(w, "| %s | %.2f (%.2f) | %s | %s | %s |\n", r.subject,
			each(func(w waits) int64 { return w.sleeps + w.preempted }), each(func(w waits) int64 { return w.preempted }),
			queued(func(s sample) waits { return s.subject }), queued(func(s sample) waits { return s.endpoints }),
			queued(func(s sample) waits { return s.generator }))
	}
}

func micros(w waits) float64 { return float64(w.queued) / float64(time.Microsecond) }

func values(samples []sample, of func(sample) float64) []float64 {
	var all []float64
	for _, s := range samples {
		all = append(all, of(s))
	}
	return all
}

func ratio(samples, base []sample, of func(sample) float64) string {
	var ratios []float64
	for i := range samples {
		ratios = append(ratios, of(samples[i])/of(base[i]))
	}
	return fmt.Sprintf("%.2f (%.2f–%.2f)", median(ratios), slices.Min(ratios), slices.Max(ratios))
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

func duration(seconds float64) string {
	return time.Duration(seconds * float64(time.Second)).Round(time.Microsecond).String()
}
