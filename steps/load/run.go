// Package load makes requests at given times, independent of the responses (an open model), while other things happen,
// and describes their outcomes.
//
// The requests are made by vegeta. Latencies are counted from the time at which a request was due, not from that at which
// it was sent, so that a stall of either side is seen in all requests that it delayed; how late the client sent them is
// reported beside it.
package load

import (
	"bytes"
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/ingress-testbed/testbed/clusters"
)

// headOfBody is how much is kept of a response's body, in bytes: an echo server names its Pod in the first line.
const headOfBody = 256

// Outcome is the outcome of one request. Times are counted from the start of the run.
type Outcome struct {
	Due time.Duration
	// Lag is how much later it was sent.
	Lag time.Duration
	// Latency is from Due to the end of the response, or to the error.
	Latency time.Duration
	URL     string
	Status  int // 0 if there was no response
	// Error is why it failed; "" if the status is from 200 to 399 and the response is complete.
	Error string
	// Unsent is whether the client's own machine failed to send it.
	Unsent bool
	// Backend names the Pod that answered, if the response does.
	Backend string
}

// End returns when the request ended.
func (o Outcome) End() time.Duration { return o.Due + o.Latency }

// Run is a load run. Its methods may be called from several goroutines.
type Run struct {
	plan      Plan
	began     time.Time
	attacker  *vegeta.Attacker
	transport *transport
	ended     chan struct{}

	mu       sync.Mutex
	outcomes []Outcome
}

// pacer is a schedule that sends when the run began.
type pacer struct {
	schedule Schedule
	began    chan<- time.Time // has room for one
}

var _ vegeta.Pacer = pacer{}

// Pace implements vegeta.Pacer.
func (p pacer) Pace(elapsed time.Duration, hits uint64) (time.Duration, bool) {
	if hits == 0 {
		select {
		case p.began <- time.Now().Add(-elapsed):
		default: // vegeta repeats the first call
		}
	}
	return p.schedule.Pace(elapsed, hits)
}

// Rate implements vegeta.Pacer.
func (p pacer) Rate(elapsed time.Duration) float64 { return p.schedule.Rate(elapsed) }

// Start starts a load run. It ends with its schedule, with ctx, or when it is stopped.
func Start(ctx context.Context, plan Plan, dial Dial) (*Run, error) {
	if err := plan.check(); err != nil {
		return nil, err
	}
	run := &Run{plan: plan, transport: newTransport(plan, dial), ended: make(chan struct{})}
	run.attacker = vegeta.NewAttacker(vegeta.Client(&http.Client{Transport: run.transport, Timeout: requestTimeout}),
		vegeta.Redirects(vegeta.NoFollow), vegeta.MaxBody(headOfBody), vegeta.MaxWorkers(maxWorkers))
	began := make(chan time.Time, 1)
	results := run.attacker.Attack(newTurns(plan.Targets).target, pacer{plan.Schedule, began}, 0, "")
	run.began = <-began
	go run.collect(ctx, results)
	return run, nil
}

// collect stores the outcomes until the last request has ended.
func (r *Run) collect(ctx context.Context, results <-chan *vegeta.Result) {
	defer close(r.ended)
	defer r.transport.inner.CloseIdleConnections()
	stop := context.AfterFunc(ctx, func() { r.attacker.Stop() })
	defer stop()
	for result := range results {
		outcome := r.outcome(result)
		r.mu.Lock()
		r.outcomes = append(r.outcomes, outcome)
		r.mu.Unlock()
	}
}

func (r *Run) outcome(result *vegeta.Result) Outcome {
	sent := result.Timestamp.Sub(r.began)
	due, ok := r.plan.Schedule.At(result.Seq)
	if !ok || due > sent {
		due = sent // by less than the clock's resolution
	}
	outcome := Outcome{
		Due: due, Lag: sent - due, Latency: sent - due + result.Latency, URL: result.URL, Status: int(result.Code), Error: result.Error,
		Backend: result.Headers.Get(podHeader), Unsent: strings.Contains(result.Error, clusters.ErrClient.Error()),
	}
	if outcome.Backend == "" {
		first, _, _ := bytes.Cut(result.Body, []byte("\n"))
		if name, found := strings.CutPrefix(string(first), echoHostname); found {
			outcome.Backend = strings.TrimSpace(name)
		}
	}
	return outcome
}

// How backends name their Pod: the probe in a header of every response (fixtures/backends.PodHeader), an echo server in
// the first line of its body.
const (
	podHeader    = "X-Backend-Pod"
	echoHostname = "Hostname:"
)

// Stop sends no more requests and waits for the responses to those that were sent, at most for their time-out.
func (r *Run) Stop() Result {
	elapsed := time.Since(r.began)
	r.attacker.Stop()
	<-r.ended
	return r.result(elapsed)
}

// Wait waits until the schedule has ended. A schedule without end ends with the context of the run.
func (r *Run) Wait() Result {
	<-r.ended
	return r.result(0)
}

// Now returns the outcomes of the requests so far.
func (r *Run) Now() Result { return r.result(time.Since(r.began)) }

// Began returns the time of the start.
func (r *Run) Began() time.Time { return r.began }

// Result has the outcomes of the requests of a run, or of those that have ended.
type Result struct {
	Plan  Plan
	Began time.Time
	// Elapsed is the time from the start until the last request was due or ended, or until the run was stopped.
	Elapsed time.Duration
	// Outcomes in the order in which the requests were due.
	Outcomes []Outcome
	// MostOpen is the highest number of requests that were open at the same time.
	MostOpen int
}

func (r *Run) result(elapsed time.Duration) Result {
	r.mu.Lock()
	outcomes := slices.Clone(r.outcomes)
	r.mu.Unlock()
	slices.SortFunc(outcomes, func(a, b Outcome) int { return cmp.Compare(a.Due, b.Due) })
	for _, outcome := range outcomes {
		elapsed = max(elapsed, outcome.End())
	}
	return Result{Plan: r.plan, Began: r.began, Elapsed: elapsed, Outcomes: outcomes, MostOpen: int(r.transport.most.Load())}
}

// Unsent counts the requests that the client's own machine failed to send.
func (r Result) Unsent() int {
	count := 0
	for _, outcome := range r.Outcomes {
		if outcome.Unsent {
			count++
		}
	}
	return count
}

// Failed returns the outcomes of requests that failed, also of those that were not sent.
func (r Result) Failed() []Outcome {
	return slices.DeleteFunc(slices.Clone(r.Outcomes), func(o Outcome) bool { return o.Error == "" })
}
