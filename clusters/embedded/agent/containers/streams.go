//go:build linux

package containers

import (
	"context"
	"fmt"
	"io"

	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"

	"github.com/ingress-testbed/testbed/clusters/embedded/container"
)

// Streams of a client of exec or attach. A nil stream is not connected.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	TTY      bool
	Resize   <-chan remotecommand.TerminalSize
}

// Exec runs a command in a container and waits for it. A command that fails is a utilexec.ExitError.
func (m *Manager) Exec(ctx context.Context, containerName string, command []string, s Streams) error {
	run, err := m.running(containerName)
	if err != nil {
		return err
	}
	p, err := container.Exec(run.process, run.spec, container.ExecSpec{Args: command, TTY: s.TTY, Stdin: s.In != nil})
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
	copied := copyProcessOutput(p, s.Out, s.Err)
	if err := waitOrKill(ctx, p); err != nil {
		return err
	}
	drain(p, copied)
	if exit := p.Exit(); exit.Code != 0 {
		return utilexec.CodeExitError{Err: fmt.Errorf("exit status %d", exit.Code), Code: exit.Code}
	}
	return nil
}

// Attach connects to a container's own streams until the container ends or ctx does. If the end of the input does not end
// the container's, because its stdin stays open or is a terminal, that ends the connection too, as with containerd.
func (m *Manager) Attach(ctx context.Context, containerName string, s Streams) error {
	run, err := m.running(containerName)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := &client{stdout: s.Out, stderr: s.Err, gone: cancel}
	run.output.add(c)
	defer run.output.remove(c)
	go resize(ctx, run.process, s.Resize)
	if s.In != nil {
		go func() {
			if closed := run.input.copyFrom(s.In); !closed || s.Out == nil && s.Err == nil {
				cancel()
			}
		}()
	}
	select {
	case <-run.process.Done():
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
			p.Resize(size.Width, size.Height) //nolint:errcheck // fails without a terminal only
		case <-p.Done():
			return
		case <-ctx.Done():
			return
		}
	}
}
