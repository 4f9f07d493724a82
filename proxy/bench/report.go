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

// writeTable prints medians, and ratios to the first result, which is nginx's. A ratio is that of two neighbouring
// measurements; the median of the rounds is printed, and the smallest and greatest in brackets.
func writeTable(w io.Writer, results []result) {
	fmt.Fprintln(w, "| subject | requests/s | throughput to nginx | CPU s per 100,000 | CPU to nginx | p50 | p99 | p99 to nginx |")
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
