package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// steadyResult is what a process that makes requests at a steady rate prints.
type steadyResult struct {
	Requests  uint64
	Success   float64 // share of them
	PerSecond float64
	P50, P99  time.Duration
}

// steadyConnections is how many connections the generator begins with, and keeps.
const steadyConnections = 64

// attack makes requests at a steady rate, whatever the answers do, and prints a steadyResult. A reply that is late does
// not keep the next request from being made. Latency counts from when the generator makes a request.
func attack(ctx context.Context, out io.Writer, url string, lines []string, rate int, duration time.Duration) error {
	header := http.Header{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		header.Set(name, value)
	}
	attacker := vegeta.NewAttacker(vegeta.KeepAlive(true), vegeta.Workers(steadyConnections), vegeta.Connections(steadyConnections))
	targeter := vegeta.NewStaticTargeter(vegeta.Target{Method: http.MethodGet, URL: url, Header: header})
	stop := context.AfterFunc(ctx, func() { attacker.Stop() })
	defer stop()
	var metrics vegeta.Metrics
	for result := range attacker.Attack(targeter, vegeta.ConstantPacer{Freq: rate, Per: time.Second}, duration, "") {
		metrics.Add(result)
	}
	metrics.Close()
	return json.NewEncoder(out).Encode(steadyResult{
		Requests: metrics.Requests, Success: metrics.Success, PerSecond: metrics.Throughput,
		P50: metrics.Latencies.P50, P99: metrics.Latencies.P99,
	})
}

// steady loads a subject from a process of its own, on the generator's core.
func (s scenario) steady(ctx context.Context, p *process, duration time.Duration) (sample, error) {
	executable, err := os.Executable()
	if err != nil {
		return sample{}, err
	}
	out, waited, err := runWatched(exec.CommandContext(ctx, "taskset", "-c", s.placement.generator, executable,
		"-attack", s.url(p), "-scenario", s.name, "-rate", fmt.Sprint(s.rate), "-duration", duration.String()))
	if err != nil {
		return sample{}, fmt.Errorf("making requests at a steady rate: %w: %s", err, out)
	}
	var result steadyResult
	if err := json.Unmarshal(out, &result); err != nil {
		return sample{}, fmt.Errorf("reading what was measured at a steady rate: %w", err)
	}
	if result.Success < 1 {
		return sample{}, fmt.Errorf("%.2f %% of %d requests at a steady rate succeeded", 100*result.Success, result.Requests)
	}
	return sample{
		perSecond: result.PerSecond, p50: result.P50, p99: result.P99, requests: max(int(result.Requests), 1), generator: waited,
	}, nil
}
