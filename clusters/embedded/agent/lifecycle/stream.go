package lifecycle

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"

	"github.com/ingress-testbed/testbed/clusters/embedded/container"
)

// Streams are what is connected to a user's terminal or program. Nil ones aren't wanted.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	TTY      bool
	Resize   <-chan remotecommand.TerminalSize
}

// Exec runs a command in a container and waits for it. A command that fails is a utilexec.ExitError.
func (w *Worker) Exec(ctx context.Context, containerName string, command []string, s Streams) error {
	current, err := w.running(containerName)
	if err != nil {
		return err
	}
	p, err := container.Exec(current.process, current.spec, container.ExecSpec{Args: command, TTY: s.TTY, Stdin: s.In != nil})
	if err != nil {
		return err
	}
	defer p.Close()
	go resize(ctx, p, s.Resize)
	if s.In != nil && p.Stdin != nil {
		go func() {
			io.Copy(p.Stdin, s.In) //nolint:errcheck // either end may go first
			if !s.TTY {            // the end of the input; a terminal's is a character
				p.Stdin.Close()
			}
		}()
	}
	copied := copyOutput(p, s.Out, s.Err)
	if err := waitOrKill(ctx, p); err != nil {
		return err
	}
	drain(p, copied)
	if exit := p.Exit(); exit.Code != 0 {
		return utilexec.CodeExitError{Err: fmt.Errorf("exit status %d", exit.Code), Code: exit.Code}
	}
	return nil
}

// Attach connects to a container's own streams, until it ends, the connection does or the input is at its end and was
// all that was wanted.
func (w *Worker) Attach(ctx context.Context, containerName string, s Streams) error {
	current, err := w.running(containerName)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l := &listener{stdout: s.Out, stderr: s.Err, gone: cancel}
	current.output.add(l)
	defer current.output.remove(l)
	go resize(ctx, current.process, s.Resize)
	if s.In != nil {
		go func() {
			current.input.copyFrom(s.In)
			if s.Out == nil && s.Err == nil {
				cancel()
			}
		}()
	}
	select {
	case <-current.process.Done():
	case <-ctx.Done():
	}
	return nil
}

func resize(ctx context.Context, p *container.Process, sizes <-chan remotecommand.TerminalSize) {
	for {
		select {
		case size, ok := <-sizes:
			if !ok {
				return
			}
			p.Resize(size.Width, size.Height) //nolint:errcheck // without a terminal there is nothing to do
		case <-p.Done():
			return
		case <-ctx.Done():
			return
		}
	}
}

// PortForward copies between a connection and a port on the Pod's loopback interface.
func (w *Worker) PortForward(ctx context.Context, port int32, with io.ReadWriteCloser) error {
	if w.podIPs() == nil {
		return fmt.Errorf("%w: Pod %s", ErrNotStarted, w.Pod().Name)
	}
	conn, err := w.sandbox.DialPod(ctx, port)
	if err != nil {
		return fmt.Errorf("connecting to port %d of the Pod: %w", port, err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	replied := make(chan error, 1)
	go func() {
		_, err := io.Copy(with, conn)
		replied <- err
	}()
	go func() {
		io.Copy(conn, with) //nolint:errcheck // the reply tells
		if half, ok := conn.(interface{ CloseWrite() error }); ok {
			half.CloseWrite() //nolint:errcheck // the other side may be gone
		}
	}()
	return <-replied
}

func (w *Worker) running(containerName string) (*run, error) {
	r, err := w.runner(containerName)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.current == nil {
		return nil, fmt.Errorf("%w: %s", ErrNotRunning, containerName)
	}
	return r.current, nil
}

// Log is where a container's log is.
type Log struct {
	Path string
	// Running says whether more may come.
	Running func() bool
}

// Log finds the log of a container's current or last run, or of the one before that.
func (w *Worker) Log(containerName string, previous bool) (Log, error) {
	r, err := w.runner(containerName)
	if err != nil {
		return Log{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	last := len(r.kept) - 1
	if last < 0 {
		reason := ""
		if waiting := r.state.State.Waiting; waiting != nil {
			reason = ": " + waiting.Reason
		}
		return Log{}, fmt.Errorf("%w: container %q in pod %q is waiting to start%s", ErrNotStarted, r.name, w.Pod().Name, strings.TrimSpace(reason))
	}
	if !previous {
		current := r.current
		return Log{Path: r.kept[last], Running: func() bool { return current != nil && r.runs(current) }}, nil
	}
	// While a container waits to be started again, its last run is the previous one of the run to come.
	if r.state.State.Waiting != nil && r.state.Last.Terminated != nil {
		last++
	}
	if last == 0 {
		return Log{}, fmt.Errorf("%w: previous terminated container %q in pod %q not found", ErrNoContainer, r.name, w.Pod().Name)
	}
	if _, err := os.Stat(r.kept[last-1]); err != nil {
		return Log{}, fmt.Errorf("%w: previous terminated container %q in pod %q not found", ErrNoContainer, r.name, w.Pod().Name)
	}
	return Log{Path: r.kept[last-1], Running: func() bool { return false }}, nil
}

func (r *runner) runs(which *run) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.current == which
}
