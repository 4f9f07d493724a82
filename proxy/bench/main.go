// Command bench compares the proxy with nginx, nginx with a Lua balancer (the way ingress-nginx works), HAProxy and
// httputil.ReverseProxy, on loopback, with the same backends and the access log on.
//
//	go run ./proxy/bench                       # everything: about ten minutes
//	go run ./proxy/bench -run 'http1/1core/64' # one scenario
//	go run ./proxy/bench -syscalls             # system calls a request
//
// The runs are interleaved: each round measures all subjects one after the other, so that whatever else the machine
// does meets them all. Only ratios to nginx mean anything, and only with their spread over the rounds.
//
// It needs the programs nginx, haproxy, wrk, h2load (package nghttp2-client) and taskset.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"strings"
	"time"
)

func main() {
	serve := flag.String("serve", "", "serve as a subject (used by the benchmark itself): proxy or reverseproxy")
	target := flag.String("attack", "", "load a URL at a steady rate (used by the benchmark itself)")
	rate := flag.Int("rate", 0, "requests a second with -attack")
	run := flag.String("run", ".", "scenarios to run (a regular expression)")
	names := flag.String("subjects", "", "subjects to compare, separated by commas; nginx is always there (default all)")
	rounds := flag.Int("rounds", 3, "rounds")
	duration := flag.Duration("duration", 4*time.Second, "how long each measurement takes")
	syscalls := flag.Bool("syscalls", false, "count system calls with strace instead of measuring throughput")
	profile := flag.String("cpuprofile", "", "write a CPU profile of the subject that is served to this file")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	switch {
	case *serve != "":
		err = serveSubject(ctx, *serve, *profile, flag.Args())
	case *target != "":
		err = attack(ctx, os.Stdout, *target, *rate, *duration)
	case *syscalls:
		err = countSyscalls(ctx, os.Stdout, *names, *duration)
	default:
		err = compare(ctx, os.Stdout, *run, *names, *rounds, *duration)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// compare measures all scenarios and prints their tables.
func compare(ctx context.Context, out io.Writer, run, names string, rounds int, duration time.Duration) error {
	wanted, err := regexp.Compile(run)
	if err != nil {
		return fmt.Errorf("reading -run: %w", err)
	}
	if err := checkPrograms(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "bench-proxy-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	for _, scenario := range scenarios() {
		if !wanted.MatchString(scenario.name) {
			continue
		}
		fmt.Fprintf(out, "\n## %s\n\n", scenario)
		warnIfBusy(out)
		results, err := measure(ctx, dir, scenario, selectSubjects(names), rounds, duration)
		if err != nil {
			return fmt.Errorf("%s: %w", scenario.name, err)
		}
		writeTable(out, results)
	}
	return nil
}

// warnIfBusy says so when others use the machine. Throughput is then a matter of who gets the CPU when (a subject with
// more threads gets more), and only the CPU seconds tell something.
func warnIfBusy(out io.Writer) {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return
	}
	var load float64
	if _, err := fmt.Sscan(string(text), &load); err == nil && load > 2.5*float64(runtime.NumCPU()) {
		fmt.Fprintf(out, "The load average is %.1f: others are using this machine; trust the CPU columns only.\n\n", load)
	}
}

// measure starts backends and subjects, and loads one subject after the other in each round.
func measure(ctx context.Context, dir string, s scenario, subjects []subject, rounds int,
	duration time.Duration) ([]result, error) {
	backends, err := startBackends(ctx, dir, s)
	if err != nil {
		return nil, err
	}
	defer backends.stop()
	var running []*process
	var results []result
	for i, subject := range subjects {
		p, err := subject.start(ctx, dir, s, 18200+10*i)
		if err != nil {
			return nil, fmt.Errorf("starting %s: %w", subject.name, err)
		}
		defer p.stop()
		running = append(running, p)
		results = append(results, result{subject: subject.name})
	}
	for round := range rounds + 1 {
		for turn := range running {
			i := (turn + round) % len(running) // whoever is first has it no better than others
			p, length := running[i], duration
			if round == 0 {
				length = time.Second // to warm up
			}
			sample, err := s.load(ctx, p, length)
			if err != nil {
				return nil, fmt.Errorf("loading %s: %w", p.name, err)
			}
			if round > 0 {
				results[i].samples = append(results[i].samples, sample)
			}
		}
	}
	return results, nil
}

func selectSubjects(names string) []subject {
	if names == "" {
		return subjects()
	}
	var selected []subject
	for _, s := range subjects() {
		if s.name == "nginx" || strings.Contains(","+names+",", ","+s.name+",") {
			selected = append(selected, s)
		}
	}
	return selected
}
