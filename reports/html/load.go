package html

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/reports/plaintext"
)

// loadView is a load run: plots over time, the distribution of latencies, and the failed requests.
type loadView struct {
	Title, Plan, Bottleneck string
	Requests, Failed        int
	Facts                   []factView
	Timeline, Spectrum      *plotView
	Marks                   []markView
	Failures                []loadFailureView
	Omitted                 int // failures that are not listed
	Rows                    []loadRowView
}

type factView struct{ Name, Value string }

// markView is a step that acted during the run, in the plots a band with its number.
type markView struct {
	Number     int
	Text, When string
}

type loadFailureView struct {
	At, Took, URL, Error, Backend, Step string
}

// loadRowView is a bucket as a row of the table that has the same as the plots.
type loadRowView struct {
	From, Rate, Statuses string
	P50, P90, P99, Max   string
}

func newLoad(l *evidence.Load) *loadView {
	v := &loadView{
		Title: plaintext.Line(l.Title), Plan: plaintext.Line(l.Plan), Bottleneck: plaintext.Line(l.Bottleneck),
		Requests: l.Requests, Failed: l.Failed, Omitted: max(0, l.Failed-len(l.Failures)),
	}
	for _, q := range []float64{0.5, 0.9, 0.99, 1} {
		for _, quantile := range l.Quantiles {
			if quantile.Quantile == q {
				v.Facts = append(v.Facts, factView{quantileName(q), latency(quantile.Latency)})
			}
		}
	}
	v.Facts = append(v.Facts, factView{"sent late, 99 %", latency(l.Lag.P99)})
	for i, mark := range l.Marks {
		v.Marks = append(v.Marks, markView{i + 1, plaintext.Line(mark.Text), between(mark.From, mark.To)})
	}
	for _, failure := range l.Failures {
		v.Failures = append(v.Failures, loadFailureView{
			At: seconds(failure.At), Took: latency(failure.Took), URL: plaintext.Line(failure.URL), Error: plaintext.Line(failure.Error),
			Backend: plaintext.Line(failure.Backend), Step: plaintext.Line(failure.Step),
		})
	}
	if l.Interval <= 0 || len(l.Buckets) == 0 || len(l.Buckets) > maxBuckets {
		return v // nothing that could be drawn
	}
	for i, bucket := range l.Buckets {
		v.Rows = append(v.Rows, newLoadRow(i, bucket, l.Interval))
	}
	v.Timeline, v.Spectrum = newTimeline(l), newSpectrum(l)
	return v
}

// maxBuckets bounds what is drawn.
const maxBuckets = 1000

func newLoadRow(number int, bucket evidence.LoadBucket, interval time.Duration) loadRowView {
	var statuses []string
	for _, class := range statusClasses() {
		if count := bucket.Statuses[class]; count > 0 {
			statuses = append(statuses, fmt.Sprintf("%d %s", count, class))
		}
	}
	return loadRowView{
		From: seconds(time.Duration(number) * interval), Rate: number1(float64(bucket.Requests) / interval.Seconds()),
		Statuses: strings.Join(statuses, ", "), P50: latency(bucket.P50), P90: latency(bucket.P90), P99: latency(bucket.P99), Max: latency(bucket.Max),
	}
}

// statusClasses are those of evidence.LoadBucket; what failed is first, and so at the bottom of a stack.
func statusClasses() []string { return []string{"error", "5xx", "4xx", "3xx", "2xx", "1xx"} }

func quantileName(q float64) string {
	if q == 1 {
		return "slowest"
	}
	return fmt.Sprintf("%g %% within", 100*q)
}

// latency is a duration with three significant digits.
func latency(d time.Duration) string {
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

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

func between(from, to time.Duration) string {
	if to-from < 10*time.Millisecond {
		return "at " + seconds(from)
	}
	return fmt.Sprintf("from %s to %s", seconds(from), seconds(to))
}

func number1(n float64) string {
	if n = finite(n); n == math.Trunc(n) {
		return fmt.Sprintf("%.0f", n)
	}
	return fmt.Sprintf("%.1f", n)
}
