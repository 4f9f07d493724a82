//go:build !linux

package main

import (
	"errors"
	"fmt"
	"runtime"
)

// allowedCores fails, as the benchmark places processes with taskset(1) and reads /proc.
func allowedCores() ([]int, error) {
	return nil, fmt.Errorf("listing the cores on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}
