package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a running subject or backend, with its children.
type process struct {
	name          string
	dir           string
	plain, secure int // ports
	command       *exec.Cmd
}

// startProcess starts a command on some cores, and waits until it listens.
func startProcess(ctx context.Context, p *process, cores string, args ...string) (*process, error) {
	p.command = exec.CommandContext(ctx, "taskset", append([]string{"-c", cores}, args...)...)
	log, err := os.Create(filepath.Join(p.dir, "output.log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p.command.Stdout, p.command.Stderr = log, log
	p.command.SysProcAttr = ownGroup()
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	for range 100 {
		if conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", p.plain)); err == nil {
			conn.Close()
			return p, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	p.stop()
	output, _ := os.ReadFile(log.Name())
	return nil, fmt.Errorf("%s does not listen: %s", p.name, bytes.TrimSpace(output))
}

func (p *process) stop() {
	group := -p.command.Process.Pid
	_ = syscall.Kill(group, syscall.SIGTERM) // it may have ended by itself
	timer := time.AfterFunc(3*time.Second, func() { _ = syscall.Kill(group, syscall.SIGKILL) })
	defer timer.Stop()
	_ = p.command.Wait() // it ends with the signal that it was sent
}

// cpuTime is what the process and its children have used so far.
func (p *process) cpuTime() (time.Duration, error) {
	members, err := p.members()
	if err != nil {
		return 0, err
	}
	var ticks int64
	for _, fields := range members {
		user, _ := strconv.ParseInt(fields[11], 10, 64)
		system, _ := strconv.ParseInt(fields[12], 10, 64)
		ticks += user + system
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil // the kernel counts in 1/100 s
}

// waits is what the threads of the process and its children have waited for so far.
func (p *process) waits() (threadWaits, error) {
	members, err := p.members()
	if err != nil {
		return nil, err
	}
	return readWaits(slices.Collect(maps.Keys(members)))
}

// members are the processes of the group, by number, with the fields of their stat after the name, which are numbered
// from 3 (proc_pid_stat(5)).
func (p *process) members() (map[int][]string, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	members := map[int][]string{}
	for _, stat := range stats {
		text, err := os.ReadFile(stat)
		if err != nil {
			continue // it has ended
		}
		// The name, in brackets, may have spaces.
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		if group, _ := strconv.Atoi(fields[2]); group == p.command.Process.Pid {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(stat)))
			members[pid] = fields
		}
	}
	return members, nil
}

// readLatencies reads h2load's log: a line a request, with its start, status and microseconds.
func readLatencies(path string) (p50, p99 time.Duration, err error) {
	defer func() { _ = os.Remove(path) }()
	file, err := os.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer file.Close()
	var micros []int
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) == 3 {
			n, _ := strconv.Atoi(fields[2])
			micros = append(micros, n)
		}
	}
	if len(micros) == 0 {
		return 0, 0, nil
	}
	slices.Sort(micros)
	at := func(share float64) time.Duration {
		return time.Duration(micros[int(share*float64(len(micros)-1))]) * time.Microsecond
	}
	return at(0.5), at(0.99), nil
}
