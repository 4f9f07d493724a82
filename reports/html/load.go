package html

import (
	"fmt"
	"strings"
	"time"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/reports/internal/plot"
	"github.com/ingress-testbed/testbed/reports/plaintext"
)

// loadView is a load run: plots over time, the distribution of latencies, and the failed requests.
type loadView struct {
	Title, Plan, Bottleneck string
	UsageUnknown            string // why the controller's usage is not shown
	Requests, Failed        int
	Facts                   []factView
	Timeline, Spectrum      *plot.View
	Marks                   []markView
	Causes                  []loadCauseView
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
		UsageUnknown: plaintext.Line(l.UsageUnknown), Requests: l.Requests, Failed: l.Failed, Omitted: max(0, l.Failed-len(l.Failures)),
	}
	for _, q := range []float64{0.5, 0.9, 0.99, 1} {
		for _, quantile := range l.Quantiles {
			if quantile.Quantile == q {
				v.Facts = append(v.Facts, factView{quantileName(q), plot.Latency(quantile.Latency)})
			}
		}
	}
	v.Facts = append(v.Facts, factView{"sent late, 99 %", plot.Latency(l.Lag.P99)})
	if cores, memory, known := l.Used(); known {
		v.Facts = append(v.Facts, factView{"controller's CPU", fmt.Sprintf("%.2f cores", cores)},
			factView{"its memory, at most", fmt.Sprintf("%.0f MiB", float64(memory)/(1<<20))})
	}
	for i, mark := range l.Marks {
		v.Marks = append(v.Marks, markView{i + 1, plaintext.Line(mark.Text), plot.Between(mark.From, mark.To)})
	}
	v.Causes = newLoadCauses(l)
	for _, failure := range l.Failures {
		v.Failures = append(v.Failures, loadFailureView{
			At: plot.Seconds(failure.At), Took: plot.Latency(failure.Took), URL: plaintext.Line(failure.URL), Error: plaintext.Line(failure.Error),
			Backend: plaintext.Line(failure.Backend), Step: plaintext.Line(failure.Step),
		})
	}
	if l.Interval <= 0 || len(l.Buckets) == 0 || len(l.Buckets) > maxBuckets {
		return v // nothing that could be drawn
	}
	for i, bucket := range l.Buckets {
		v.Rows = append(v.Rows, newLoadRow(i, bucket, l.Interval))
	}
	v.Timeline, v.Spectrum = plot.Timeline(l), plot.Spectrum(l)
	return v
}

// maxBuckets bounds what is drawn.
const maxBuckets = 1000

func newLoadRow(number int, bucket evidence.LoadBucket, interval time.Duration) loadRowView {
	var statuses []string
	for _, class := range plot.StatusClasses() {
		if count := bucket.Statuses[class]; count > 0 {
			statuses = append(statuses, fmt.Sprintf("%d %s", count, class))
		}
	}
	return loadRowView{
		From: plot.Seconds(time.Duration(number) * interval), Rate: plot.Number(float64(bucket.Requests) / interval.Seconds()),
		Statuses: strings.Join(statuses, ", "), P50: plot.Latency(bucket.P50), P90: plot.Latency(bucket.P90), P99: plot.Latency(bucket.P99), Max: plot.Latency(bucket.Max),
	}
}

func quantileName(q float64) string {
	if q == 1 {
		return "slowest"
	}
	return fmt.Sprintf("%g %% within", 100*q)
}
