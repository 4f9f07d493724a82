//go:build !linux

package main

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"
)

// allowedCores fails, as the benchmark places processes with taskset(1) and reads /proc.
func allowedCores() ([]int, error) {
	return nil, fmt.Errorf("listing the cores on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}

// ownGroup starts a process in a group of its own. It outlives a benchmark that is killed.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
