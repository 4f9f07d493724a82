//go:build linux

package container

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// startErrorCode is the exit code that Kubernetes shows for a program that could not be run.
const startErrorCode = 128

// Process is a running program: a container's first process, or one started by Exec.
type Process struct {
	cmd       *exec.Cmd
	startedAt time.Time
	done      chan struct{}
	exit      Exit // valid once done is closed
	closeAll  func()

	// Stdin may be nil. With a terminal Stdout carries all output and Stderr is nil.
	Stdin, Stdout, Stderr *os.File
}

// Exit is how a process ended.
type Exit struct {
	// Code is the program's own, or 128 + the number of the signal that killed it, as a shell reports it.
	Code int
	// Signal that killed it, or 0.
	Signal    syscall.Signal
	StartedAt time.Time
	EndedAt   time.Time
}

func newProcess(cmd *exec.Cmd, s *streams, startedAt time.Time) *Process {
	p := &Process{
		cmd: cmd, startedAt: startedAt, done: make(chan struct{}), Stdin: s.in, Stdout: s.out, Stderr: s.err,
		closeAll: s.closeAll,
	}
	go p.wait()
	return p
}

func (p *Process) wait() {
	err := p.cmd.Wait()
	p.exit = exitOf(p.cmd.ProcessState, err)
	p.exit.StartedAt, p.exit.EndedAt = p.startedAt, time.Now()
	close(p.done)
}

func exitOf(state *os.ProcessState, err error) Exit {
	var status syscall.WaitStatus
	ok := false
	if state != nil {
		status, ok = state.Sys().(syscall.WaitStatus)
	}
	switch {
	case !ok || err != nil && !isExitError(err):
		return Exit{Code: unknownExitCode}
	case status.Signaled():
		return Exit{Code: 128 + int(status.Signal()), Signal: status.Signal()}
	}
	return Exit{Code: status.ExitStatus()}
}

// unknownExitCode is that of a process whose end was not observed.
const unknownExitCode = 255

func isExitError(err error) bool {
	var exitError *exec.ExitError
	return errors.As(err, &exitError)
}

// PID of the process as the agent sees it.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// StartedAt is when the process was started.
func (p *Process) StartedAt() time.Time { return p.startedAt }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Exit is how the process ended, once Done is closed.
func (p *Process) Exit() Exit {
	<-p.done
	return p.exit
}

// Signal sends a signal. SIGKILL to a container's first process ends all the container's processes with it.
func (p *Process) Signal(signal syscall.Signal) error {
	if err := p.cmd.Process.Signal(signal); err != nil {
		return fmt.Errorf("sending %s: %w", unix.SignalName(signal), err)
	}
	return nil
}

// Resize sets the size of the terminal in characters.
func (p *Process) Resize(columns, rows uint16) error {
	if p.Stdin == nil {
		return nil
	}
	return pty.Setsize(p.Stdin, &pty.Winsize{Cols: columns, Rows: rows})
}

// Close closes this side's ends of the standard streams.
func (p *Process) Close() { p.closeAll() }

// SignalByName finds the signal that an image's STOPSIGNAL or a Pod's lifecycle names, by name or number ("SIGQUIT",
// "QUIT", "3", "SIGRTMIN+3"). An empty name is SIGTERM.
func SignalByName(name string) (syscall.Signal, error) {
	if name == "" {
		return unix.SIGTERM, nil
	}
	return parseSignal(name)
}
