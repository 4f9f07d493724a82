package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// generate loads a subject with the program that suits the scenario, and returns what that has measured.
func (s scenario) generate(ctx context.Context, p *process, duration time.Duration) (sample, error) {
	switch {
	case s.http2:
		return s.h2load(ctx, p, duration)
	case s.rate > 0:
		return s.steady(ctx, p, duration)
	}
	return s.wrk(ctx, p, duration)
}

// command is a generator on its cores that sends the scenario's fields.
func (s scenario) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	for _, line := range s.fields() {
		args = append(args, "-H", line)
	}
	return exec.CommandContext(ctx, "taskset", append([]string{"-c", s.placement.generator, name}, args...)...)
}

var (
	wrkLatency  = regexp.MustCompile(`(50|99)%\s+([0-9.]+)(us|ms|s)`)
	wrkRequests = regexp.MustCompile(`(\d+) requests in ([0-9.]+)(m|s)`)
	wrkErrors   = regexp.MustCompile(`(Socket errors|Non-2xx)[^\n]*`)
)

func (s scenario) wrk(ctx context.Context, p *process, duration time.Duration) (sample, error) {
	args := []string{"-t1", fmt.Sprintf("-c%d", s.connections), fmt.Sprintf("-d%ds", int(duration.Seconds())), "--latency"}
	if s.fresh {
		args = append(args, "-H", "Connection: close")
	}
	out, waited, err := runWatched(s.command(ctx, "wrk", append(args, s.url(p))...))
	if err != nil {
		return sample{}, fmt.Errorf("wrk: %w: %s", err, out)
	}
	if fault := wrkErrors.Find(out); fault != nil && !s.fresh {
		return sample{}, fmt.Errorf("wrk: %s", fault)
	}
	measured := sample{generator: waited}
	for _, m := range wrkLatency.FindAllStringSubmatch(string(out), -1) {
		latency, _ := time.ParseDuration(m[2] + m[3])
		if m[1] == "50" {
			measured.p50 = latency
		} else {
			measured.p99 = latency
		}
	}
	m := wrkRequests.FindStringSubmatch(string(out))
	if m == nil {
		return sample{}, fmt.Errorf("wrk printed no result: %s", out)
	}
	requests, _ := strconv.Atoi(m[1])
	seconds, _ := strconv.ParseFloat(m[2], 64)
	measured.perSecond = float64(requests) / seconds
	measured.requests = max(requests, 1)
	return measured, nil
}

var (
	h2Requests = regexp.MustCompile(`requests: (\d+) total, \d+ started, (\d+) done, (\d+) succeeded`)
	h2Rate     = regexp.MustCompile(`finished in [^,]+, ([0-9.]+) req/s`)
)

// h2load makes ten requests at once on each connection.
func (s scenario) h2load(ctx context.Context, p *process, duration time.Duration) (sample, error) {
	log := filepath.Join(p.dir, "h2load.log")
	args := []string{
		"-t1", fmt.Sprintf("-c%d", s.connections), "-m10", fmt.Sprintf("-D%d", int(duration.Seconds())), "--log-file=" + log,
	}
	if s.endpoints == grpcEndpoints {
		args = append(args, "-d", filepath.Join(p.dir, "message"))
	}
	out, waited, err := runWatched(s.command(ctx, "h2load", append(args, s.url(p))...))
	if err != nil {
		return sample{}, fmt.Errorf("h2load: %w: %s", err, out)
	}
	rate, counts := h2Rate.FindStringSubmatch(string(out)), h2Requests.FindStringSubmatch(string(out))
	if rate == nil || counts == nil || strings.HasPrefix(counts[3], "0") {
		return sample{}, fmt.Errorf("h2load had no success: %s", out)
	}
	measured := sample{generator: waited}
	measured.perSecond, _ = strconv.ParseFloat(rate[1], 64)
	measured.p50, measured.p99, err = readLatencies(log)
	requests, _ := strconv.Atoi(counts[3])
	measured.requests = max(requests, 1)
	return measured, err
}

// steadyResult is what a process that makes requests at a steady rate prints.
type steadyResult struct {
	Requests  uint64
	Success   float64 // share of them
	PerSecond float64
	P50, P99  time.Duration
}

// steadyConnections is how many connections the generator begins with, and keeps.
const steadyConnections = 64

// kept is the share of a steady rate below which its latencies are those of a queue before the generator.
const kept = 0.97

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
	if result.PerSecond < kept*float64(s.rate) {
		return sample{}, fmt.Errorf("%.0f requests a second were made in place of %d: the machine is too slow or too busy", result.PerSecond, s.rate)
	}
	return sample{
		perSecond: result.PerSecond, p50: result.P50, p99: result.P99, requests: max(int(result.Requests), 1), generator: waited,
	}, nil
}
