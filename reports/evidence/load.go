package evidence

import (
	"time"

	"github.com/cucumber/godog"
)

// LoadMediaType is the media type of a Load.
const LoadMediaType = "application/vnd.ingress-testbed.load+json"

// Load is a load run: requests whose times of sending don't depend on the responses (an open model). Latencies are from
// the time at which a request was due, so that requests that wait behind a slow one count with their wait (no
// coordinated omission). Durations in JSON are nanoseconds; times within the run are counted from its start.
type Load struct {
	Title string `json:"title"`
	// Plan is what was to be sent, such as "500 requests a second over HTTP/1.1".
	Plan     string        `json:"plan"`
	Started  time.Time     `json:"started"`
	Duration time.Duration `json:"duration"`
	Requests int           `json:"requests"`
	Failed   int           `json:"failed"`
	// Interval is the length of each of the Buckets, which follow each other from the start of the run.
	Interval time.Duration `json:"interval"`
	Buckets  []LoadBucket  `json:"buckets"`
	// Backends names what the counts by backend are of, in their order.
	Backends []string `json:"backends,omitempty"`
	// Quantiles are in ascending order and end with the maximum, quantile 1.
	Quantiles []LoadQuantile `json:"quantiles"`
	// Marks are the steps that acted during the run.
	Marks []LoadMark `json:"marks,omitempty"`
	// Causes counts all failed requests by how they failed, the most frequent first.
	Causes []LoadCause `json:"causes,omitempty"`
	// Failures are the first failed requests; Failed counts all.
	Failures []LoadFailure `json:"failures,omitempty"`
	// Lag is how much later than due the client sent its requests.
	Lag LoadLag `json:"lag"`
	// Bottleneck says in a sentence that the client limited the run; "" if it didn't.
	Bottleneck string `json:"bottleneck,omitempty"`
	// Usage is what the ingress controller's Pods used together, at points in time. If it is unknown, UsageUnknown says why.
	Usage        []LoadUsage `json:"usage,omitempty"`
	UsageUnknown string      `json:"usageUnknown,omitempty"`
}

// LoadBucket counts the requests that were due in an interval.
type LoadBucket struct {
	Requests int `json:"requests"`
	// Statuses counts by the class of the status, "2xx" to "5xx"; requests without a complete response are an "error".
	Statuses map[string]int `json:"statuses"`
	// Latencies of the requests. They are 0 if there were none.
	P50 time.Duration `json:"p50"`
	P90 time.Duration `json:"p90"`
	P99 time.Duration `json:"p99"`
	Max time.Duration `json:"max"`
	// Backends counts responses by the position in Load.Backends.
	Backends []int `json:"backends,omitempty"`
}

// LoadQuantile is the latency that a share of the requests didn't exceed.
type LoadQuantile struct {
	Quantile float64       `json:"quantile"` // 0.99
	Latency  time.Duration `json:"latency"`
	// Service is the same without the time that requests waited in the client before they were sent.
	Service time.Duration `json:"service"`
}

// LoadMark is a step that acted while requests were made.
type LoadMark struct {
	Text string        `json:"text"`
	From time.Duration `json:"from"`
	To   time.Duration `json:"to"`
}

// LoadCause counts the requests that failed in one way after the same mark.
type LoadCause struct {
	// Kind is "status 502", or an error without what differs between connections: "connection refused".
	Kind  string `json:"kind"`
	Count int    `json:"count"`
	// First and Last are when the first and the last of them were due.
	First time.Duration `json:"first"`
	Last  time.Duration `json:"last"`
	// Step is the text of the last mark that had begun when they failed.
	Step string `json:"step,omitempty"`
}

// LoadFailure is a failed request.
type LoadFailure struct {
	At      time.Duration `json:"at"`   // when it was due
	Took    time.Duration `json:"took"` // until it failed
	URL     string        `json:"url"`
	Status  int           `json:"status,omitempty"` // 0 if there was no response
	Error   string        `json:"error"`
	Backend string        `json:"backend,omitempty"`
	// Step is the text of the last mark that had begun when it failed.
	Step string `json:"step,omitempty"`
}

// LoadLag has quantiles of the client's delay.
type LoadLag struct {
	P50 time.Duration `json:"p50"`
	P99 time.Duration `json:"p99"`
	Max time.Duration `json:"max"`
}

// LoadUsage is what Pods used at a point in time.
type LoadUsage struct {
	At     time.Duration `json:"at"`
	CPU    float64       `json:"cpu"`    // cores, averaged since the point before
	Memory int64         `json:"memory"` // bytes of the working set
}

// Used returns the cores that the controller used on average, and the most memory in bytes; known is false without Usage.
func (l *Load) Used() (cores float64, memory int64, known bool) {
	before, total := time.Duration(0), 0.0
	for _, usage := range l.Usage {
		total += usage.CPU * (usage.At - before).Seconds()
		before, memory = usage.At, max(memory, usage.Memory)
	}
	if before <= 0 {
		return 0, 0, false
	}
	return total / before.Seconds(), memory, true
}

// Latency returns that of a quantile, which Quantiles must have; 0 if they don't.
func (l *Load) Latency(quantile float64) time.Duration {
	for _, q := range l.Quantiles {
		if q.Quantile == quantile {
			return q.Latency
		}
	}
	return 0
}

// Attachment implements Evidence.
func (l Load) Attachment() godog.Attachment { return encode(l.Title, LoadMediaType, l) }
