//go:build linux

package containers

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/ingress-testbed/testbed/clusters/embedded/container/crilog"
)

// keptLogs is how many logs of a container are kept: that of the current run, and that of the one before for
// `kubectl logs --previous`.
const keptLogs = 2

// logFiles are the log files of a container, the newest last.
type logFiles struct {
	mu    sync.Mutex
	paths []string
}

// add appends the log of a new run and removes those that are no longer kept.
func (l *logFiles) add(path string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.paths = append(l.paths, path)
	for len(l.paths) > keptLogs {
		rotated, err := filepath.Glob(l.paths[0] + "*")
		if err == nil {
			for _, file := range rotated {
				os.Remove(file) //nolint:errcheck // a file too many does no harm
			}
		}
		l.paths = l.paths[1:]
	}
}

func (l *logFiles) list() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.paths...)
}

// Log is the log of one run of a container.
type Log struct {
	Path string
	// Running reports whether more may be written.
	Running func() bool
}

// Log finds the log of a container's current or last run, or of the one before that.
func (m *Manager) Log(name string, previous bool) (Log, error) {
	r, err := m.runner(name)
	if err != nil {
		return Log{}, err
	}
	paths, state, podName := r.logs.list(), m.pod.Container(r.name), m.pod.Object().Name
	last := len(paths) - 1
	if last < 0 {
		reason := ""
		if waiting := state.State.Waiting; waiting != nil {
			reason = ": " + waiting.Reason
		}
		return Log{}, fmt.Errorf("%w: container %q in pod %q is waiting to start%s", ErrNotStarted, r.name, podName, strings.TrimSpace(reason))
	}
	if !previous {
		current := r.current()
		return Log{Path: paths[last], Running: func() bool { return current != nil && r.current() == current }}, nil
	}
	// While a container waits to be restarted, its last run is the previous one of the run to come.
	if state.State.Waiting != nil && state.Last.Terminated != nil {
		last++
	}
	if last == 0 {
		return Log{}, fmt.Errorf("%w: previous terminated container %q in pod %q not found", ErrNoContainer, r.name, podName)
	}
	if _, err := os.Stat(paths[last-1]); err != nil {
		return Log{}, fmt.Errorf("%w: previous terminated container %q in pod %q not found", ErrNoContainer, r.name, podName)
	}
	return Log{Path: paths[last-1], Running: func() bool { return false }}, nil
}

// copyOutput copies the output of a run to its log and to attached clients.
func (a *attempt) copyOutput(log *crilog.Log, run *containerRun) *sync.WaitGroup {
	var copied sync.WaitGroup
	for stream, from := range map[string]*os.File{crilog.Stdout: run.process.Stdout, crilog.Stderr: run.process.Stderr} {
		if from == nil {
			continue
		}
		copied.Go(func() {
			if err := log.Copy(stream, from, run.output.stream(stream)); err != nil {
				a.runner.manager.config.Logger.Error("logging a container's output", "container", a.runner.name, "error", err)
			}
		})
	}
	return &copied
}
