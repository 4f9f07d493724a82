// Command bench compares the proxy with nginx, nginx with a Lua balancer (the way ingress-nginx works), HAProxy and
// httputil.ReverseProxy, on loopback, with the same backends and the access log on.
//
//	go run ./proxy/bench                       # everything: half an hour
//	go run ./proxy/bench -run 'http1/1core/64' # one scenario
//	go run ./proxy/bench -alone                # the generator has a core to itself
//	go run ./proxy/bench -syscalls             # system calls a request; with -run in other scenarios than the first
//
// The runs are interleaved: each round measures all subjects one after the other, so that whatever else the machine
// does meets them all. Only ratios to the first subject mean anything, and only with their spread over the rounds.
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
	"runtime"
	"strings"
	"time"
)

func main() {
	var o options
	serve := flag.String("serve", "", "serve as a subject or as endpoints (used by the benchmark itself)")
	target := flag.String("attack", "", "load a URL at a steady rate (used by the benchmark itself)")
	rate := flag.Int("rate", 0, "requests a second with -attack")
	name := flag.String("scenario", "", "scenario with -serve and -attack")
	flag.StringVar(&o.run, "run", "", "scenarios to run, a regular expression (default all; the first one with -syscalls)")
	flag.StringVar(&o.subjects, "subjects", "",
		"subjects to compare, separated by commas; the one that others are compared with is always there (default all)")
	flag.StringVar(&o.before, "before", "", "this program, built of another version of the proxy: a subject more, "+before)
	flag.IntVar(&o.rounds, "rounds", 5, "rounds")
	flag.DurationVar(&o.duration, "duration", 4*time.Second, "how long each measurement takes")
	flag.BoolVar(&o.alone, "alone", false, "give the generator a core to itself, even if subject and endpoints must share the others")
	syscalls := flag.Bool("syscalls", false, "count system calls with strace instead of measuring throughput")
	profile := flag.String("cpuprofile", "", "write a CPU profile of the subject that is served to this file")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	switch {
	case *serve != "" || *target != "":
		var s scenario
		if s, err = findScenario(*name); err != nil {
			break
		}
		if *serve != "" {
			err = serveSubject(ctx, *serve, s, *profile, flag.Args())
		} else {
			err = attack(ctx, os.Stdout, *target, s.fields(), *rate, o.duration)
		}
	case *syscalls:
		err = countSyscalls(ctx, os.Stdout, o)
	default:
		err = compare(ctx, os.Stdout, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are what the user wants to see.
type options struct {
	run, subjects, before string
	rounds                int
	duration              time.Duration
	alone                 bool
}

// compare measures scenarios and prints their tables.
func compare(ctx context.Context, out io.Writer, o options) error {
	selected, err := selectScenarios(o.run)
	if err != nil {
		return err
	}
	cores, err := allowedCores()
	if err != nil {
		return err
	}
	if err := checkPrograms(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "bench-proxy-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	var failed []string
	for _, s := range selected {
		if s.placement, err = place(cores, s.cores, o.alone); err != nil {
			fmt.Fprintf(out, "\n## %s\n\nNot measured: %v.\n", s.name, err)
			continue
		}
		fmt.Fprintf(out, "\n## %s\n\n", s)
		warnIfBusy(out)
		results, err := measure(ctx, out, dir, s, o)
		if err != nil {
			if ctx.Err() != nil {
				return err
			}
			fmt.Fprintf(out, "Not measured: %v.\n", err)
			failed = append(failed, s.name)
			continue
		}
		writeTable(out, results)
		writeWaits(out, results)
	}
	if len(failed) > 0 {
		return fmt.Errorf("not measured: %s", strings.Join(failed, ", "))
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

// measure starts endpoints and subjects, and loads one subject after the other in each round.
func measure(ctx context.Context, out io.Writer, dir string, s scenario, o options) ([]result, error) {
	endpoints, err := startBackends(ctx, dir, s)
	if err != nil {
		return nil, err
	}
	defer endpoints.stop()
	var running []*process
	var results []result
	for i, subject := range selectSubjects(s, o) {
		p, err := subject.start(ctx, dir, s, 18200+10*i)
		if err != nil {
			return nil, fmt.Errorf("starting %s: %w", subject.name, err)
		}
		defer p.stop()
		if err := s.check(ctx, p); err != nil {
			return nil, fmt.Errorf("checking %s: %w", subject.name, err)
		}
		running = append(running, p)
		results = append(results, result{subject: subject.name})
	}
	if _, err := loadAll(ctx, s, running, endpoints, 0, time.Second); err != nil { // to warm up
		return nil, err
	}
	failures := 0
	for round := 0; round < o.rounds; {
		samples, err := loadAll(ctx, s, running, endpoints, round, o.duration)
		switch {
		case err == nil:
			for i := range results {
				results[i].samples = append(results[i].samples, samples[i])
			}
			round++
		case ctx.Err() != nil || failures == maxFailures:
			return nil, err
		default:
			failures++
			fmt.Fprintf(out, "Round %d is measured again: %v.\n\n", round+1, err)
		}
	}
	return results, nil
}

// maxFailures is how many rounds of a scenario are measured again. A round counts if all subjects were measured, since
// each is compared with its neighbours; on a machine that stands still for a second, requests fail that are no
// subject's fault.
const maxFailures = 2

// loadAll loads one subject after the other; which is first turns with the rounds.
func loadAll(ctx context.Context, s scenario, running []*process, endpoints *process, round int, length time.Duration) ([]sample, error) {
	samples := make([]sample, len(running))
	for turn := range running {
		i := (turn + round) % len(running)
		var err error
		if samples[i], err = s.load(ctx, running[i], endpoints, length); err != nil {
			return nil, fmt.Errorf("loading %s: %w", running[i].name, err)
		}
	}
	return samples, nil
}
