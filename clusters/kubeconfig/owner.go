package kubeconfig

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// owner identifies this process as "HOST/PID/START", where START distinguishes it from a later one with the same PID.
func owner() (string, error) {
	host, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("finding this machine's name: %w", err)
	}
	start, err := startOf(os.Getpid())
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s/%d/%s", host, os.Getpid(), start), nil
}

// startOf is when a process started, in clock ticks since the machine did (proc_pid_stat(5), field 22).
func startOf(pid int) (string, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", fmt.Errorf("reading about process %d: %w", pid, err)
	}
	// The second field is a name in brackets, which may hold anything.
	_, rest, _ := strings.Cut(string(raw[max(0, strings.LastIndexByte(string(raw), ')')):]), " ")
	fields := strings.Fields(rest)
	const startField = 22 - 3
	if len(fields) <= startField {
		return "", fmt.Errorf("reading about process %d: /proc/%d/stat has %d fields", pid, pid, len(fields))
	}
	return fields[startField], nil
}

// runs reports whether the owner still runs; known is false if it belongs to another machine.
func runs(text string) (running, known bool) {
	parts := strings.Split(text, "/")
	host, err := os.Hostname()
	if len(parts) != 3 || err != nil || parts[0] != host {
		return false, false
	}
	pid, err := strconv.Atoi(parts[1])
	if err != nil || pid <= 0 {
		return false, false
	}
	if err := syscall.Kill(pid, 0); errors.Is(err, syscall.ESRCH) {
		return false, true
	}
	start, err := startOf(pid)
	return err == nil && start == parts[2], true
}
