package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// waits is what threads have waited for, summed up.
type waits struct {
	sleeps    int64         // times that a thread has waited for something to happen (voluntary context switches)
	preempted int64         // times that a thread has lost its core to another (involuntary ones)
	turns     int64         // times that a thread has got a core
	queued    time.Duration // for a core, while there was something to do
}

func (w waits) plus(v waits) waits {
	return waits{w.sleeps + v.sleeps, w.preempted + v.preempted, w.turns + v.turns, w.queued + v.queued}
}

func (w waits) minus(v waits) waits {
	return waits{w.sleeps - v.sleeps, w.preempted - v.preempted, w.turns - v.turns, w.queued - v.queued}
}

// threadWaits are the waits of threads, by their numbers.
type threadWaits map[string]waits

// since is what the threads have waited since an earlier reading.
func (t threadWaits) since(before threadWaits) waits {
	var sum waits
	for thread, now := range t {
		sum = sum.plus(now.minus(before[thread]))
	}
	return sum
}

// readWaits reads the waits of all threads of processes. Those that end meanwhile are left out.
func readWaits(pids []int) (threadWaits, error) {
	all := threadWaits{}
	for _, pid := range pids {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/[0-9]*", pid))
		if err != nil {
			return nil, err
		}
		for _, thread := range threads {
			schedule, err := os.ReadFile(thread + "/schedstat")
			if err != nil {
				continue
			}
			status, err := os.ReadFile(thread + "/status")
			if err != nil {
				continue
			}
			if all[filepath.Base(thread)], err = parseWaits(schedule, status); err != nil {
				return nil, fmt.Errorf("%s: %w", thread, err)
			}
		}
	}
	return all, nil
}

// parseWaits reads the schedstat (time on a core and in the run queue in nanoseconds, turns; sched-stats of the kernel's
// documentation) and the status (proc_pid_status(5)) of a thread.
func parseWaits(schedule, status []byte) (waits, error) {
	var w waits
	var running int64
	if _, err := fmt.Sscan(string(schedule), &running, &w.queued, &w.turns); err != nil {
		return waits{}, fmt.Errorf("reading schedstat %q: %w", schedule, err)
	}
	for line := range bytes.Lines(status) {
		name, value, _ := strings.Cut(strings.TrimSpace(string(line)), ":")
		var err error
		switch name {
		case "voluntary_ctxt_switches":
			w.sleeps, err = strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		case "nonvoluntary_ctxt_switches":
			w.preempted, err = strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		}
		if err != nil {
			return waits{}, fmt.Errorf("reading status: %w", err)
		}
	}
	return w, nil
}

// runWatched runs a generator to its end, and returns what it wrote and what its threads have waited for until shortly
// before.
func runWatched(command *exec.Cmd) (output []byte, waited waits, err error) {
	var buffer bytes.Buffer
	command.Stdout, command.Stderr = &buffer, &buffer
	if err := command.Start(); err != nil {
		return nil, waits{}, err
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	last := threadWaits{}
	for {
		select {
		case err := <-ended:
			return buffer.Bytes(), last.since(nil), err
		case <-look.C:
			now, err := readWaits([]int{command.Process.Pid})
			if err != nil {
				return nil, waits{}, errors.Join(err, command.Process.Kill(), <-ended)
			}
			for thread, w := range now {
				last[thread] = w
			}
		}
	}
}
