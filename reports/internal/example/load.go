package example

import (
	"math"
	"time"

	"github.com/ingress-testbed/testbed/reports/evidence"
)

// Load is a load run of six seconds, in which a Pod was replaced and one request got lost.
func Load(started time.Time) evidence.Load {
	const interval = 100 * time.Millisecond
	run := evidence.Load{
		Title: "Load run", Plan: "500 requests a second over HTTP/1.1: http://shop.test/", Started: started,
		Duration: 6 * time.Second, Interval: interval, Backends: []string{"shop-7c8f8b8c87-qq2fj", "shop-5d9f6c7b44-76sjm"},
		Marks: []evidence.LoadMark{
			{Text: `the Deployment "shop" is rolled out`, From: 2 * time.Second, To: 3500 * time.Millisecond},
			{Text: `the Pod "shop-5d9f6c7b44-76sjm" is deleted`, From: 5 * time.Second, To: 5 * time.Second},
		},
		Lag: evidence.LoadLag{P50: 60 * time.Microsecond, P99: 900 * time.Microsecond, Max: 4 * time.Millisecond},
	}
	for i := range 60 {
		replaced := min(50, max(0, 4*(i-20)))
		slow := 1 + 8*math.Exp(-math.Abs(float64(i-27))/4)
		run.Buckets = append(run.Buckets, evidence.LoadBucket{
			Requests: 50, Statuses: map[string]int{"2xx": 50}, Backends: []int{50 - replaced, replaced},
			P50: time.Duration(700*slow) * time.Microsecond, P90: time.Duration(1100*slow) * time.Microsecond,
			P99: time.Duration(2600*slow) * time.Microsecond, Max: time.Duration(4100*slow) * time.Microsecond,
		})
		run.Requests += 50
		run.Usage = append(run.Usage, evidence.LoadUsage{At: time.Duration(i) * interval, CPU: 0.2 + slow/50, Memory: 40<<20 + int64(i)<<16})
	}
	run.Buckets[50].Statuses = map[string]int{"2xx": 49, "5xx": 1}
	run.Failed = 1
	run.Causes = []evidence.LoadCause{{
		Kind: "status 502", Count: 1, First: 5020 * time.Millisecond, Last: 5020 * time.Millisecond, Step: run.Marks[1].Text,
	}}
	run.Failures = []evidence.LoadFailure{{
		At: 5020 * time.Millisecond, Took: 3 * time.Millisecond, URL: "http://shop.test/", Status: 502, Error: "502 Bad Gateway",
		Step: run.Marks[1].Text,
	}}
	for i := range 47 {
		rest := math.Pow(10, -float64(i)/13)
		switch i {
		case 4:
			rest = 0.5
		case 13:
			rest = 0.1
		case 26:
			rest = 0.01
		}
		latency := time.Duration(700*math.Pow(rest, -0.5)) * time.Microsecond
		run.Quantiles = append(run.Quantiles, evidence.LoadQuantile{Quantile: 1 - rest, Latency: latency + 100*time.Microsecond, Service: latency})
	}
	last := run.Quantiles[len(run.Quantiles)-1]
	last.Quantile = 1
	run.Quantiles = append(run.Quantiles, last)
	return run
}
