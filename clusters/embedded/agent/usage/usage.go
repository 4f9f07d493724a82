//go:build linux

// Package usage measures what the containers of a node use, from /proc: there may be no cgroup that could.
package usage

import (
	"fmt"
	"os"
	"time"

	"github.com/prometheus/procfs"
)

// Usage is what a group of processes uses.
type Usage struct {
	// CPU is the processor time since the processes were started, with that of their children that have ended.
	CPU time.Duration
	// Memory is the resident memory in bytes. Pages that several processes share count for each.
	Memory uint64
}

// Add returns the sum of two usages.
func (u Usage) Add(other Usage) Usage {
	return Usage{CPU: u.CPU + other.CPU, Memory: u.Memory + other.Memory}
}

// Usages holds the usage of all containers of the machine, by their mount namespaces: each container has one of its own,
// which the programs run in it by exec join, also if containers of a Pod share the PID namespace.
type Usages struct{ byNamespace map[string]Usage }

// Measure reads the usage of all processes that the caller sees.
func Measure() (Usages, error) {
	all, err := procfs.AllProcs()
	if err != nil {
		return Usages{}, fmt.Errorf("listing processes: %w", err)
	}
	usages := Usages{map[string]Usage{}}
	for _, process := range all {
		namespace, err := mountNamespace(process.PID)
		if err != nil {
			continue // it has ended
		}
		stat, err := process.Stat()
		if err != nil {
			continue
		}
		usages.byNamespace[namespace] = usages.byNamespace[namespace].Add(of(stat))
	}
	return usages, nil
}

// Container returns the usage of the container whose first process is given; zero if it has ended.
func (u Usages) Container(pid int) Usage {
	namespace, err := mountNamespace(pid)
	if err != nil {
		return Usage{}
	}
	return u.byNamespace[namespace]
}

// Self returns the usage of the calling process.
func Self() (Usage, error) {
	process, err := procfs.Self()
	if err != nil {
		return Usage{}, fmt.Errorf("reading this process's usage: %w", err)
	}
	stat, err := process.Stat()
	if err != nil {
		return Usage{}, fmt.Errorf("reading this process's usage: %w", err)
	}
	return of(stat), nil
}

// ticksPerSecond is the unit of times in /proc/PID/stat, the same on all of Linux's architectures that Go has.
const ticksPerSecond = 100

func of(stat procfs.ProcStat) Usage {
	ticks := int64(stat.UTime) + int64(stat.STime) + int64(stat.CUTime) + int64(stat.CSTime)
	return Usage{CPU: time.Duration(ticks) * time.Second / ticksPerSecond, Memory: uint64(max(stat.ResidentMemory(), 0))}
}

// mountNamespace returns what identifies a process's mount namespace, "mnt:[4026531841]".
func mountNamespace(pid int) (string, error) {
	return os.Readlink(fmt.Sprintf("/proc/%d/ns/mnt", pid))
}
