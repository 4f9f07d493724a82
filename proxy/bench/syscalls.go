package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// countSyscalls loads each subject under strace and prints how many system calls a request takes. Counts, unlike
// throughput, are the same on a busy machine.
func countSyscalls(ctx context.Context, out io.Writer, o options) error {
	selected, err := selectScenarios(o.run)
	if err != nil {
		return err
	}
	if o.run == "" {
		selected = selected[:1]
	}
	cores, err := allowedCores()
	if err != nil {
		return err
	}
	if err := checkPrograms(); err != nil {
		return err
	}
	if _, err := exec.LookPath("strace"); err != nil {
		return errors.New("strace is missing; install it with: apt-get install strace")
	}
	dir, err := os.MkdirTemp("", "bench-proxy-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	for _, s := range selected {
		if s.placement, err = place(cores, s.cores, o.alone); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		if err := countScenario(ctx, out, dir, s, o); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// countScenario prints the table of one scenario.
func countScenario(ctx context.Context, out io.Writer, dir string, s scenario, o options) error {
	endpoints, err := startBackends(ctx, dir, s)
	if err != nil {
		return err
	}
	defer endpoints.stop()
	fmt.Fprintf(out, "\n## system calls a request (%s)\n\n| subject | all | read | write | waiting | other |\n", s.name)
	fmt.Fprintln(out, "| --- | --- | --- | --- | --- | --- |")
	for i, subject := range selectSubjects(s, o) {
		p, err := subject.start(ctx, dir, s, 18300+10*i)
		if err != nil {
			return fmt.Errorf("starting %s: %w", subject.name, err)
		}
		counts, requests, err := trace(ctx, s, p, o.duration)
		p.stop()
		if err != nil {
			return fmt.Errorf("tracing %s: %w", subject.name, err)
		}
		groups := map[string]int{}
		for call, n := range counts {
			groups[group(call)] += n
			groups["all"] += n
		}
		each := func(name string) float64 { return float64(groups[name]) / float64(requests) }
		fmt.Fprintf(out, "| %s | %.2f | %.2f | %.2f | %.2f | %.2f |\n", subject.name, each("all"), each("read"), each("write"),
			each("waiting"), each("other"))
	}
	return nil
}

// group is what a system call is for.
func group(call string) string {
	switch {
	case strings.HasPrefix(call, "read"), strings.HasPrefix(call, "recv"):
		return "read"
	case strings.HasPrefix(call, "write"), strings.HasPrefix(call, "send"):
		return "write"
	case strings.HasPrefix(call, "epoll"), call == "futex", call == "nanosleep", call == "sched_yield":
		return "waiting"
	}
	return "other"
}

// trace loads a process and all its threads and children under strace.
func trace(ctx context.Context, s scenario, p *process, duration time.Duration) (map[string]int, int, error) {
	summary := filepath.Join(p.dir, "strace.txt")
	args := []string{"-f", "-c", "-o", summary}
	children, err := exec.CommandContext(ctx, "pgrep", "-g", strconv.Itoa(p.command.Process.Pid)).Output()
	if err != nil {
		return nil, 0, fmt.Errorf("listing the processes: %w", err)
	}
	for pid := range strings.FieldsSeq(string(children)) {
		args = append(args, "-p", pid)
	}
	strace := exec.CommandContext(ctx, "strace", args...)
	if err := strace.Start(); err != nil {
		return nil, 0, err
	}
	time.Sleep(time.Second) // to attach
	measured, err := s.generate(ctx, p, duration)
	interrupted := strace.Process.Signal(syscall.SIGINT)
	_ = strace.Wait() // it ends with the signal that it was sent
	if err := errors.Join(err, interrupted); err != nil {
		return nil, 0, err
	}
	text, err := os.ReadFile(summary)
	if err != nil {
		return nil, 0, err
	}
	counts := map[string]int{}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line) // % time, seconds, usecs/call, calls, maybe errors, syscall
		if len(fields) < 5 || fields[len(fields)-1] == "total" {
			continue
		}
		if n, err := strconv.Atoi(fields[3]); err == nil {
			counts[fields[len(fields)-1]] = n
		}
	}
	if len(counts) == 0 {
		return nil, 0, fmt.Errorf("strace counted nothing; the machine may be too busy for it to attach in time")
	}
	return counts, measured.requests, nil
}
