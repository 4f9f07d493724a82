package load_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/steps/load"
)

func start(t *testing.T, plan load.Plan) *load.Run {
	t.Helper()
	run, err := load.Start(t.Context(), plan, (&net.Dialer{}).DialContext)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func schedule(t *testing.T, text string) load.Schedule {
	t.Helper()
	parsed, err := load.ParseSchedule(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func to(urls ...string) []load.Target {
	var targets []load.Target
	for _, url := range urls {
		targets = append(targets, load.Target{URL: url, Share: 1})
	}
	return targets
}

func TestTargetsGetTheirShares(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Backend-Pod", "pod"+strings.ReplaceAll(r.URL.Path, "/", "-"))
	}))
	defer server.Close()
	result := start(t, load.Plan{Schedule: schedule(t, "400 for 500ms"), Targets: []load.Target{
		{URL: server.URL + "/a", Share: 3}, {URL: server.URL + "/b", Share: 1},
	}}).Wait()
	counts := map[string]int{}
	for _, outcome := range result.Outcomes {
		if outcome.Error != "" || outcome.Status != http.StatusOK {
			t.Errorf("failed: %+v", outcome)
		}
		counts[outcome.Backend]++
	}
	if len(result.Outcomes) != 200 || counts["pod-a"] != 150 || counts["pod-b"] != 50 {
		t.Errorf("%d requests, by backend %v, want 200: 150 and 50", len(result.Outcomes), counts)
	}
}

// A server that stalls delays also the requests that are due meanwhile. A client that waits for it before it sends the next
// one would see a single slow request.
func TestAStallIsSeenInAllRequestsThatItDelays(t *testing.T) {
	t.Parallel()
	const stall = 400 * time.Millisecond
	began := time.Now()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if since := time.Since(began); since > 100*time.Millisecond && since < 100*time.Millisecond+stall {
			time.Sleep(100*time.Millisecond + stall - since)
		}
	}))
	defer server.Close()
	result := start(t, load.Plan{Schedule: schedule(t, "200 for 800ms"), Targets: to(server.URL)}).Wait()
	slow := 0
	for _, latency := range result.Latencies() {
		if latency > stall/4 {
			slow++
		}
	}
	// 80 requests are due during the stall, three quarters of which are delayed by more than a quarter of it.
	if slow < 50 {
		t.Errorf("%d requests were slow, want about 60", slow)
	}
}

// net/http would repeat a request whose connection breaks before the response, and hide that one was lost.
func TestALostRequestIsNotRepeated(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if requests.Add(1)%10 == 0 {
			connection, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			connection.Close()
		}
	}))
	defer server.Close()
	result := start(t, load.Plan{Schedule: schedule(t, "100 for 1s"), Targets: to(server.URL)}).Wait()
	if failed := len(result.Failed()); failed != 10 || len(result.Outcomes) != 100 {
		t.Errorf("%d of %d requests failed, want 10 of 100", failed, len(result.Outcomes))
	}
	summary := result.Summary([]evidence.LoadMark{{Text: "the server closes connections", From: 0, To: time.Second}})
	for _, part := range []string{"10 of 100 requests failed", "10 × EOF", `during or after the step "the server closes connections"`} {
		if !strings.Contains(summary, part) {
			t.Errorf("the summary %q has no %q", summary, part)
		}
	}
}

func TestProtocolsAndConnections(t *testing.T) {
	t.Parallel()
	for _, one := range []struct {
		http2, secure, fresh bool
	}{{}, {fresh: true}, {secure: true}, {http2: true, secure: true}, {http2: true}} {
		var mu sync.Mutex
		connections, protocols := 0, map[string]int{}
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			protocols[r.Proto]++
		}))
		server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			mu.Lock()
			defer mu.Unlock()
			if state == http.StateNew {
				connections++
			}
		}
		server.Config.Protocols = new(http.Protocols)
		server.Config.Protocols.SetHTTP1(true)
		server.Config.Protocols.SetHTTP2(true)
		server.Config.Protocols.SetUnencryptedHTTP2(true)
		server.EnableHTTP2 = true
		server.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that the end interrupts
		if one.secure {
			server.StartTLS()
		} else {
			server.Start()
		}
		plan := load.Plan{Schedule: schedule(t, "100 for 300ms"), Targets: to(server.URL), HTTP2: one.http2, NewConnections: one.fresh}
		result := start(t, plan).Wait()
		server.Close()
		want := "HTTP/1.1"
		if one.http2 {
			want = "HTTP/2.0"
		}
		if len(result.Failed()) > 0 || protocols[want] != 30 {
			t.Errorf("%+v: requests by protocol %v, failed: %v", one, protocols, result.Failed())
		}
		// Requests that are due before the first TLS handshake has ended open connections of their own.
		if one.fresh && connections != 30 || !one.fresh && !one.secure && connections == 30 {
			t.Errorf("%+v: %d connections for 30 requests", one, connections)
		}
	}
}

func TestARunIsStopped(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "Hostname: echo-1") }))
	defer server.Close()
	run := start(t, load.Plan{Schedule: load.Constant(100), Targets: to(server.URL)})
	time.Sleep(200 * time.Millisecond)
	now, result := run.Now(), run.Stop()
	if len(now.Outcomes) == 0 || len(result.Outcomes) < len(now.Outcomes) || result.Outcomes[0].Backend != "echo-1" {
		t.Errorf("%d outcomes, then %d", len(now.Outcomes), len(result.Outcomes))
	}
	ctx, cancel := context.WithCancel(t.Context())
	run, err := load.Start(ctx, load.Plan{Schedule: load.Constant(100), Targets: to(server.URL)}, (&net.Dialer{}).DialContext)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	run.Wait()
}

func TestWrongPlansAreRejected(t *testing.T) {
	t.Parallel()
	for want, plan := range map[string]load.Plan{
		"needs a target":       {Schedule: load.Constant(1)},
		"needs a rate":         {Targets: to("http://a/")},
		"must begin with http": {Schedule: load.Constant(1), Targets: to("ftp://a/")},
		"share of the target":  {Schedule: load.Constant(1), Targets: []load.Target{{URL: "http://a/"}}},
	} {
		if _, err := load.Start(t.Context(), plan, (&net.Dialer{}).DialContext); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// outcomes of a run with the given lag of each request, and the time that the server took.
func outcomes(count int, lag, service time.Duration) load.Result {
	result := load.Result{Plan: load.Plan{Schedule: load.Constant(100), Targets: to("http://a/")}, Elapsed: time.Duration(count) * 10 * time.Millisecond}
	for i := range count {
		result.Outcomes = append(result.Outcomes, load.Outcome{
			Due: time.Duration(i) * 10 * time.Millisecond, Lag: lag, Latency: lag + service, Status: 200, URL: "http://a/",
		})
	}
	return result
}

func TestAClientThatIsTheBottleneckSaysSo(t *testing.T) {
	t.Parallel()
	if said := outcomes(100, 50*time.Millisecond, time.Millisecond).Bottleneck(); !strings.Contains(said, "client was the bottleneck") {
		t.Errorf("late requests: %q", said)
	}
	if said := outcomes(100, 50*time.Millisecond, time.Second).Bottleneck(); said != "" {
		t.Errorf("a slow server: %q", said)
	}
	if said := outcomes(100, time.Millisecond, 0).Bottleneck(); said != "" {
		t.Errorf("a little lag: %q", said)
	}
}

func TestQuantilesAreThoseOfTheNearestRank(t *testing.T) {
	t.Parallel()
	var latencies load.Latencies
	for i := range 200 {
		latencies = append(latencies, time.Duration(i+1)*time.Millisecond)
	}
	for share, want := range map[float64]time.Duration{0: 1, 0.5: 100, 0.99: 198, 0.995: 199, 1: 200} {
		if got := latencies.Quantile(share); got != want*time.Millisecond {
			t.Errorf("quantile %v is %v, want %v ms", share, got, int(want))
		}
	}
}

// A request that the client's machine failed to send is named as such, and isn't one that the controller lost.
func TestRequestsThatWereNotSent(t *testing.T) {
	t.Parallel()
	run, err := load.Start(t.Context(), load.Plan{
		Schedule: load.Constant(100).For(100 * time.Millisecond), Targets: []load.Target{{URL: "http://shop.test/", Share: 1}},
	}, func(context.Context, string, string) (net.Conn, error) {
		return nil, fmt.Errorf("%w: too busy", clusters.ErrClient)
	})
	if err != nil {
		t.Fatal(err)
	}
	result := run.Wait()
	if count := len(result.Outcomes); count != 10 || result.Unsent() != count || len(result.Failed()) != count {
		t.Fatalf("%d of %d requests were not sent, %d failed", result.Unsent(), count, len(result.Failed()))
	}
	if !strings.Contains(result.Bottleneck(), "failed to send 10 requests") || !strings.Contains(result.Summary(nil), "10 × the client could not connect") {
		t.Errorf("%q, %q", result.Bottleneck(), result.Summary(nil))
	}
}

func TestTheEvidenceHasEveryRequest(t *testing.T) {
	t.Parallel()
	result := outcomes(300, 0, 5*time.Millisecond)
	for i := range result.Outcomes {
		result.Outcomes[i].Backend = fmt.Sprintf("pod-%d", i%20)
	}
	result.Outcomes[150].Status, result.Outcomes[150].Error = 502, "502 Bad Gateway"
	result.Outcomes[151].Status, result.Outcomes[151].Error = 0, "EOF"
	result.Outcomes[152].Error = "unexpected EOF" // in the middle of the body
	marks := []evidence.LoadMark{{Text: "a Pod is deleted", From: 1500 * time.Millisecond, To: 1520 * time.Millisecond}}
	described := result.Evidence("Load run", marks)
	requests, statuses, backends := 0, map[string]int{}, 0
	for _, bucket := range described.Buckets {
		requests += bucket.Requests
		for class, count := range bucket.Statuses {
			statuses[class] += count
		}
		for _, count := range bucket.Backends {
			backends += count
		}
	}
	if requests != 300 || statuses["2xx"] != 297 || statuses["5xx"] != 1 || statuses["error"] != 2 || backends != 300 {
		t.Errorf("buckets have %d requests, %v, %d by backend", requests, statuses, backends)
	}
	if len(described.Backends) != 12 || described.Backends[11] != "others" {
		t.Errorf("backends are %q", described.Backends)
	}
	if described.Failed != 3 || len(described.Failures) != 3 || described.Failures[0].Step != "a Pod is deleted" {
		t.Errorf("failures are %+v", described.Failures)
	}
	if causes := described.Causes; len(causes) != 2 || causes[0].Kind != "EOF" || causes[0].Count != 2 || causes[1].Kind != "status 502" ||
		causes[0].First != result.Outcomes[151].Due || causes[0].Last != result.Outcomes[152].Due || causes[0].Step != "a Pod is deleted" {
		t.Errorf("causes are %+v", causes)
	}
	last := described.Quantiles[len(described.Quantiles)-1]
	if last.Quantile != 1 || math.Abs(float64(last.Latency-5*time.Millisecond)) > 0 {
		t.Errorf("the last quantile is %+v", last)
	}
	if _, err := result.Vegeta(); err != nil {
		t.Error(err)
	}
}
