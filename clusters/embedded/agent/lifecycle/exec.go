package lifecycle

import (
	"bytes"
	"context"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ingress-testbed/testbed/clusters/embedded/container"
)

// mostCaptured is how much output of a probe or hook is kept, to be quoted in an event.
const mostCaptured = 10 << 10

// execCaptured runs a command in a container and waits for it. When ctx ends, the command is killed.
func execCaptured(ctx context.Context, current *run, command []string) (code int, output string, err error) {
	p, err := container.Exec(current.process, current.spec, container.ExecSpec{Args: command})
	if err != nil {
		return 0, "", err
	}
	defer p.Close()
	captured := &limited{left: mostCaptured}
	read := copyOutput(p, captured, captured)
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

// copyOutput copies what a process writes; with a terminal that is all on out.
func copyOutput(p *container.Process, out, err io.Writer) *sync.WaitGroup {
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

// drainTime is how long output is still read after a command has ended.
const drainTime = 500 * time.Millisecond

// drain reads to the end what a command wrote. What it left running in the background may hold its pipes open for ever,
// hence the limit.
func drain(p *container.Process, copied *sync.WaitGroup) {
	all := make(chan struct{})
	go func() {
		copied.Wait()
		close(all)
	}()
	select {
	case <-all:
	case <-time.After(drainTime):
	}
	p.Close()
	<-all
}

// limited keeps the beginning of what is written to it.
type limited struct {
	mu   sync.Mutex
	text bytes.Buffer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(len(p), l.left)
	l.text.Write(p[:n])
	l.left -= n
	return len(p), nil
}

func (l *limited) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
