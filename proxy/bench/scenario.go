package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// scenario is one kind of load.
type scenario struct {
	name        string
	cores       int  // that the subject may use
	connections int  // of wrk and h2load
	large       bool // bodies of 64 KiB instead of 100 bytes
	tls         bool
	fresh       bool // a new connection for each request
	http2       bool
	rate        int // requests a second, evenly; 0 for as many as there can be
}

func scenarios() []scenario {
	return []scenario{
		{name: "http1/1core/64", cores: 1, connections: 64},
		{name: "http1/1core/8", cores: 1, connections: 8},
		{name: "http1/1core/512", cores: 1, connections: 512},
		{name: "http1/2cores/64", cores: 2, connections: 64},
		{name: "http1/1core/steady", cores: 1, rate: 8000},
		{name: "http1/1core/64KiB", cores: 1, connections: 64, large: true},
		{name: "tls/1core/keep-alive", cores: 1, connections: 64, tls: true},
		{name: "tls/1core/new-connections", cores: 1, connections: 64, tls: true, fresh: true},
		{name: "http2/1core/tls", cores: 1, connections: 8, tls: true, http2: true},
	}
}

func (s scenario) String() string {
	body := "100 B"
	if s.large {
		body = "64 KiB"
	}
	load := fmt.Sprintf("%d connections", s.connections)
	if s.rate > 0 {
		load = fmt.Sprintf("%d requests a second", s.rate)
	}
	return fmt.Sprintf("%s (%s, body %s, subject on %d of 2 cores)", s.name, load, body, s.cores)
}

// sample is one measurement.
type sample struct {
	perSecond float64       // requests
	cpu       float64       // seconds of the subject for 100,000 requests
	p50, p99  time.Duration // latency
}

// load loads a subject.
func (s scenario) load(ctx context.Context, p *process, duration time.Duration) (sample, error) {
	before, err := p.cpuTime()
	if err != nil {
		return sample{}, err
	}
	generate := s.wrk
	switch {
	case s.http2:
		generate = s.h2load
	case s.rate > 0:
		generate = s.steady
	}
	measured, requests, err := generate(ctx, p, duration)
	if err != nil {
		return sample{}, err
	}
	after, err := p.cpuTime()
	if err != nil {
		return sample{}, err
	}
	measured.cpu = (after - before).Seconds() / float64(requests) * 1e5
	return measured, nil
}

func (s scenario) url(p *process) string {
	scheme, port, path := "http", p.plain, "/"
	if s.tls {
		scheme, port = "https", p.secure
	}
	if s.large {
		path = "/large"
	}
	return fmt.Sprintf("%s://127.0.0.1:%d%s", scheme, port, path)
}

// browser is what a browser sends besides Host.
//
//nolint:gochecknoglobals // a table that is never changed
var browser = []string{
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
	"Accept-Language: en-GB,en;q=0.5",
	"Accept-Encoding: gzip, deflate, br",
	"Cookie: session=0123456789abcdef; theme=light",
}

func (s scenario) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	for _, line := range browser {
		args = append(args, "-H", line)
	}
	cores := "1"
	if s.cores > 1 {
		cores = "0,1"
	}
	return exec.CommandContext(ctx, "taskset", append([]string{"-c", cores, name}, args...)...)
}

var (
	wrkLatency  = regexp.MustCompile(`(50|99)%\s+([0-9.]+)(us|ms|s)`)
	wrkRequests = regexp.MustCompile(`(\d+) requests in ([0-9.]+)(m|s)`)
	wrkErrors   = regexp.MustCompile(`(Socket errors|Non-2xx)[^\n]*`)
)

func (s scenario) wrk(ctx context.Context, p *process, duration time.Duration) (sample, int, error) {
	args := []string{"-t1", fmt.Sprintf("-c%d", s.connections), fmt.Sprintf("-d%ds", int(duration.Seconds())), "--latency"}
	if s.fresh {
		args = append(args, "-H", "Connection: close")
	}
	out, err := s.command(ctx, "wrk", append(args, s.url(p))...).CombinedOutput()
	if err != nil {
		return sample{}, 0, fmt.Errorf("wrk: %w: %s", err, out)
	}
	if fault := wrkErrors.Find(out); fault != nil && !s.fresh {
		return sample{}, 0, fmt.Errorf("wrk: %s", fault)
	}
	var measured sample
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
		return sample{}, 0, fmt.Errorf("wrk printed no result: %s", out)
	}
	requests, _ := strconv.Atoi(m[1])
	seconds, _ := strconv.ParseFloat(m[2], 64)
	measured.perSecond = float64(requests) / seconds
	return measured, max(requests, 1), nil
}

var (
	h2Requests = regexp.MustCompile(`requests: (\d+) total, \d+ started, (\d+) done, (\d+) succeeded`)
	h2Rate     = regexp.MustCompile(`finished in [^,]+, ([0-9.]+) req/s`)
)

func (s scenario) h2load(ctx context.Context, p *process, duration time.Duration) (sample, int, error) {
	log := p.dir + "/h2load.log"
	out, err := s.command(ctx, "h2load", "-t1", fmt.Sprintf("-c%d", s.connections), "-m10",
		fmt.Sprintf("-D%d", int(duration.Seconds())), "--log-file="+log, s.url(p)).CombinedOutput()
	if err != nil {
		return sample{}, 0, fmt.Errorf("h2load: %w: %s", err, out)
	}
	rate, counts := h2Rate.FindStringSubmatch(string(out)), h2Requests.FindStringSubmatch(string(out))
	if rate == nil || counts == nil || strings.HasPrefix(counts[3], "0") {
		return sample{}, 0, fmt.Errorf("h2load had no success: %s", out)
	}
	var measured sample
	measured.perSecond, _ = strconv.ParseFloat(rate[1], 64)
	measured.p50, measured.p99, err = readLatencies(log)
	requests, _ := strconv.Atoi(counts[3])
	return measured, max(requests, 1), err
}
