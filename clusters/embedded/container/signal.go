//go:build linux

package container

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// The C library reserves the first two of the kernel's 33 real-time signals.
const (
	firstRealTime = 34
	lastRealTime  = 64
)

func parseSignal(name string) (syscall.Signal, error) {
	upper := strings.TrimPrefix(strings.ToUpper(name), "SIG")
	if n, err := strconv.Atoi(upper); err == nil {
		if n < 1 || n > lastRealTime {
			return 0, fmt.Errorf("signal %d does not exist", n)
		}
		return syscall.Signal(n), nil
	}
	for prefix, base := range map[string]int{"RTMIN": firstRealTime, "RTMAX": lastRealTime} {
		offset, ok := strings.CutPrefix(upper, prefix)
		if !ok {
			continue
		}
		n := base
		if offset != "" {
			delta, err := strconv.Atoi(offset)
			if err != nil {
				return 0, fmt.Errorf("unknown signal %q", name)
			}
			n += delta
		}
		if n < firstRealTime || n > lastRealTime {
			return 0, fmt.Errorf("unknown signal %q", name)
		}
		return syscall.Signal(n), nil
	}
	if s := unix.SignalNum("SIG" + upper); s != 0 {
		return s, nil
	}
	return 0, fmt.Errorf("unknown signal %q", name)
}
