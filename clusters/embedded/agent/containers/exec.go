//go:build linux

package containers

import (
	"context"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ingress-testbed/testbed/clusters/embedded/container"
	"github.com/ingress-testbed/testbed/internal/limitwriter"
)

// maxCaptured is how much output of a probe or hook is kept, to be quoted in an event.
const maxCaptured = 10 << 10

// execCaptured runs a command in a container, waits for it and returns the beginning of its output. When ctx ends, the
// command is killed.
func execCaptured(ctx context.Context, run *containerRun, command []string) (code int, output string, err error) {
	p, err := container.Exec(run.process, run.spec, container.ExecSpec{Args: command})
	if err != nil {
		return 0, "", err
	}
	defer p.Close()
	captured := limitwriter.New(maxCaptured)
	read := copyProcessOutput(p, captured, captured)
	if err := waitOrKill(ctx, p); err != nil {
		return 0, "", err
	}
	drain(p, read)
	return p.Exit().Code, captured.String(), nil
}

// waitOrKill waits for the end of a process, and kills it when ctx ends.
func waitOrKill(ctx context.Context, p *container.Process) error {
	select {
	case <-p.Done():
		return nil
	case <-ctx.Done():
		p.Signal(unix.SIGKILL) //nolint:errcheck // it may have ended by now
		<-p.Done()
		return ctx.Err()
	}
}

// copyProcessOutput copies the output of a process; with a terminal, all of it goes to out.
func copyProcessOutput(p *container.Process, out, err io.Writer) *sync.WaitGroup {
	var copied sync.WaitGroup
	for from, to := range map[*os.File]io.Writer{p.Stdout: out, p.Stderr: err} {
		if from == nil {
			continue
		}
		if to == nil {
			to = io.Discard
		}
		copied.Go(func() { io.Copy(to, from) }) //nolint:errcheck // either end may go first
	}
	return &copied
}

// drainTimeout bounds the time for which output is read after a command has ended.
const drainTimeout = 500 * time.Millisecond

// drain reads the output of a command to its end. Processes that the command left in the background may keep its pipes
// open, so the time is limited.
func drain(p *container.Process, copied *sync.WaitGroup) {
	all := make(chan struct{})
	go func() {
		copied.Wait()
		close(all)
	}()
	select {
	case <-all:
	case <-time.After(drainTimeout):
	}
	p.Close()
	<-all
}
