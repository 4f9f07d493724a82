package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
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
