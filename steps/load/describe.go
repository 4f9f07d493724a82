package load

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/ingress-testbed/testbed/reports/evidence"
)

const (
	// buckets is about how many intervals a run is divided into, and shortest is the shortest one.
	buckets  = 60
	shortest = 50 * time.Millisecond
	// shownFailures is the most failures that are described one by one.
	shownFailures = 200
	// maxBackends is the most backends that are counted one by one.
	maxBackends = 12
	// bottleneckLag is the least lag that makes a client the bottleneck: on a busy machine a few milliseconds are usual.
	bottleneckLag = 20 * time.Millisecond
	// hopelessLag is a lag that only a client without processor time has, whatever the latencies.
	hopelessLag = time.Second
)

// Latencies are sorted.
type Latencies []time.Duration

// Latencies returns those from the time at which requests were due, sorted.
func (r Result) Latencies() Latencies {
	return sorted(r.Outcomes, func(o Outcome) time.Duration { return o.Latency })
}

// ServiceTimes returns the latencies without the client's lag, sorted.
func (r Result) ServiceTimes() Latencies {
	return sorted(r.Outcomes, func(o Outcome) time.Duration { return o.Latency - o.Lag })
}

func (r Result) lags() Latencies {
	return sorted(r.Outcomes, func(o Outcome) time.Duration { return o.Lag })
}

func sorted(outcomes []Outcome, value func(Outcome) time.Duration) Latencies {
	values := make(Latencies, 0, len(outcomes))
	for _, outcome := range outcomes {
		values = append(values, value(outcome))
	}
	slices.Sort(values)
	return values
}

// Quantile returns the latency that a share of the requests, from 0 to 1, didn't exceed: that of the nearest rank.
func (l Latencies) Quantile(share float64) time.Duration {
	if len(l) == 0 {
		return 0
	}
	rank := int(math.Ceil(share*float64(len(l)) - 1e-9))
	return l[min(max(rank, 1), len(l))-1]
}

// Bottleneck returns a sentence if the client limited the run: it failed to send requests, or sent them late, and not because the
// responses to others were outstanding.
func (r Result) Bottleneck() string {
	const remedy = "Lower the rate, or use a machine that is less busy."
	if unsent := r.Unsent(); unsent > 0 {
		return fmt.Sprintf("The client was the bottleneck: its machine failed to send %d requests, which are not lost by the controller. %s", unsent, remedy)
	}
	lag, latency := r.lags().Quantile(0.99), r.Latencies().Quantile(0.99)
	if lag < bottleneckLag || lag < latency/2 && lag < hopelessLag || r.MostOpen >= maxWorkers {
		return ""
	}
	return fmt.Sprintf("The client was the bottleneck: it sent 1 %% of the requests more than %s late, so that the latencies say "+
		"little about the controller. %s", lag.Round(time.Millisecond), remedy)
}

// Evidence describes the run for reports. Marks are the steps that acted meanwhile.
func (r Result) Evidence(title string, marks []evidence.LoadMark) evidence.Load {
	lags := r.lags()
	described := evidence.Load{
		Title: title, Plan: r.Plan.String(), Started: r.Began, Duration: r.Elapsed, Requests: len(r.Outcomes),
		Interval: interval(r.lastDue()), Backends: r.backends(), Marks: marks, Bottleneck: r.Bottleneck(),
		Lag: evidence.LoadLag{P50: lags.Quantile(0.5), P99: lags.Quantile(0.99), Max: lags.Quantile(1)},
	}
	described.Buckets = r.buckets(described.Interval, described.Backends)
	latencies, service := r.Latencies(), r.ServiceTimes()
	for _, quantile := range quantiles(len(latencies)) {
		described.Quantiles = append(described.Quantiles, evidence.LoadQuantile{
			Quantile: quantile, Latency: latencies.Quantile(quantile), Service: service.Quantile(quantile),
		})
	}
	described.Causes = r.causes(marks)
	for _, outcome := range r.Failed() {
		described.Failed++
		if len(described.Failures) < shownFailures {
			described.Failures = append(described.Failures, evidence.LoadFailure{
				At: outcome.Due, Took: outcome.Latency, URL: outcome.URL, Status: outcome.Status, Error: outcome.Error,
				Backend: outcome.Backend, Step: step(outcome, marks),
			})
		}
	}
	return described
}

// lastDue is when the last request was due. Responses to it may come long after.
func (r Result) lastDue() time.Duration {
	if len(r.Outcomes) == 0 {
		return 0
	}
	return r.Outcomes[len(r.Outcomes)-1].Due
}

// interval is a round one for a run of that length.
func interval(length time.Duration) time.Duration {
	aim := max(length/buckets, shortest)
	for unit := 10 * time.Millisecond; ; unit *= 10 {
		for _, factor := range []time.Duration{1, 2, 5} {
			if unit*factor >= aim {
				return unit * factor
			}
		}
	}
}

// otherBackends takes the place of those beyond the limit.
const otherBackends = "others"

func (r Result) backends() []string {
	counts := map[string]int{}
	for _, outcome := range r.Outcomes {
		if outcome.Backend != "" {
			counts[outcome.Backend]++
		}
	}
	names := slices.Collect(maps.Keys(counts))
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	if len(names) > maxBackends {
		names = append(names[:maxBackends-1], otherBackends)
		return names
	}
	slices.Sort(names)
	return names
}

func (r Result) buckets(interval time.Duration, backends []string) []evidence.LoadBucket {
	parts := make([][]Outcome, int(r.lastDue()/interval)+1)
	for _, outcome := range r.Outcomes {
		i := int(outcome.Due / interval)
		parts[i] = append(parts[i], outcome)
	}
	described := make([]evidence.LoadBucket, 0, len(parts))
	for _, part := range parts {
		latencies := Result{Outcomes: part}.Latencies()
		bucket := evidence.LoadBucket{
			Requests: len(part), Statuses: map[string]int{}, Backends: make([]int, len(backends)),
			P50: latencies.Quantile(0.5), P90: latencies.Quantile(0.9), P99: latencies.Quantile(0.99), Max: latencies.Quantile(1),
		}
		for _, outcome := range part {
			bucket.Statuses[class(outcome)]++
			if outcome.Backend == "" {
				continue
			}
			i := slices.Index(backends, outcome.Backend)
			if i < 0 {
				i = len(backends) - 1
			}
			bucket.Backends[i]++
		}
		described = append(described, bucket)
	}
	return described
}

// class is the class of a status, "2xx" to "5xx". Responses that broke off are errors too.
func class(outcome Outcome) string {
	if outcome.Status < 100 || outcome.Status > 599 || outcome.Error != "" && outcome.Status < 400 {
		return "error"
	}
	return fmt.Sprintf("%dxx", outcome.Status/100)
}

// quantiles are those of an HDR histogram's plot: each step halves the rest, down to one request.
func quantiles(count int) []float64 {
	if count == 0 {
		return nil
	}
	var all []float64
	for rest := 1.0; rest*float64(count) >= 1 && len(all) < 200; rest /= math.Pow(2, 0.25) {
		all = append(all, 1-rest)
	}
	all = append(all, 0.5, 0.9, 0.99, 0.999)
	slices.Sort(all)
	return append(slices.Compact(all), 1)
}

// Vegeta encodes the outcomes in the format of vegeta's results, for `vegeta report` and `vegeta plot`. Their times are
// those at which the requests were due, and latencies are from then.
func (r Result) Vegeta() ([]byte, error) {
	var encoded bytes.Buffer
	encoder := vegeta.NewEncoder(&encoded)
	for i, outcome := range r.Outcomes {
		if err := encoder.Encode(r.vegeta(i, outcome)); err != nil {
			return nil, fmt.Errorf("encoding the results of the load run: %w", err)
		}
	}
	return encoded.Bytes(), nil
}

func (r Result) vegeta(number int, outcome Outcome) *vegeta.Result {
	return &vegeta.Result{
		Seq: uint64(number), Code: uint16(outcome.Status), Timestamp: r.Began.Add(outcome.Due), Latency: outcome.Latency,
		Error: outcome.Error, Method: "GET", URL: outcome.URL,
	}
}

// Text summarizes the run: vegeta's report, and the client's lag.
func (r Result) Text() (string, error) {
	metrics := &vegeta.Metrics{}
	for i, outcome := range r.Outcomes {
		metrics.Add(r.vegeta(i, outcome))
	}
	metrics.Close()
	var text strings.Builder
	fmt.Fprintf(&text, "%s\n\n", r.Plan)
	if err := vegeta.NewTextReporter(metrics).Report(&text); err != nil {
		return "", fmt.Errorf("summarizing the load run: %w", err)
	}
	lags := r.lags()
	fmt.Fprintf(&text, "\nThe client sent half of the requests within %s of the time at which they were due, 99 %% within %s, all within %s. "+
		"At most %d requests were open at the same time.\n", round(lags.Quantile(0.5)), round(lags.Quantile(0.99)), round(lags.Quantile(1)), r.MostOpen)
	if bottleneck := r.Bottleneck(); bottleneck != "" {
		fmt.Fprintf(&text, "%s\n", bottleneck)
	}
	return text.String(), nil
}

func round(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }
