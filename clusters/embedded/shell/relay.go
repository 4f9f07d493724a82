package shell

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// relay runs a command for which this process stands: signals are passed on to it, and its exit code is this process's.
// nsenter, which runs the command in another process, does not pass signals on. So they go through a pipe whose other end
// is read beside the command, by receiveSignals. Each byte is a signal's number; the first one is sent to the command when the pipe
// is closed, because this process has ended then.
type relay struct {
	// interactive is whether the command is a shell for a person. It ignores SIGTERM, and ends on SIGHUP.
	interactive bool
}

// run runs the command with this process's streams. Its file descriptor 3 is the pipe, and 4 is the extra file, or
// /dev/null if that is nil.
func (r relay) run(command *exec.Cmd, extra *os.File) error {
	theirs, ours, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("making a pipe: %w", err)
	}
	defer ours.Close()
	defer theirs.Close()
	if extra == nil {
		if extra, err = os.Open(os.DevNull); err != nil {
			return fmt.Errorf("opening %s: %w", os.DevNull, err)
		}
		defer extra.Close()
	}
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	command.ExtraFiles = []*os.File{theirs, extra}

	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGHUP)
	// The terminal sends SIGINT to nsenter too, which must outlive a command that handles it. An ignored signal stays
	// ignored in the programs that are started.
	signal.Ignore(os.Interrupt)
	if err := command.Start(); err != nil {
		return fmt.Errorf("running %s: %w", command.Path, err)
	}
	signal.Notify(signals, os.Interrupt)
	r.pass(ours, syscall.SIGTERM) // for the case that this process is gone
	done := make(chan struct{})
	go func() {
		defer close(done)
		for s := range signals {
			r.pass(ours, s)
		}
	}()
	err = command.Wait()
	signal.Stop(signals)
	close(signals)
	<-done
	return exitOf(err)
}

// pass writes a signal to the pipe.
func (r relay) pass(pipe *os.File, s os.Signal) {
	number, ok := s.(syscall.Signal)
	switch {
	case !ok || number == syscall.SIGINT && inForeground(): // the command has it from the terminal
		return
	case r.interactive && number == syscall.SIGTERM:
		number = syscall.SIGHUP
	}
	_, _ = pipe.Write([]byte{byte(number)}) // or the command has ended
}

// inForeground reports whether a terminal sends its signals to this process and those that it has started.
func inForeground() bool {
	terminal, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	defer terminal.Close()
	group, err := unix.IoctlGetInt(int(terminal.Fd()), unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// ExitCode is the exit code of a command, which has printed the reason itself.
type ExitCode int

func (c ExitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// exitOf returns how this process is to end when a command has ended: with its exit code, or as shells do after a signal.
func exitOf(err error) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return ExitCode(128 + int(status.Signal()))
	}
	return ExitCode(exit.ExitCode())
}

// runRelayed runs a command at the end of a relay's pipe, with this process's streams.
func runRelayed(command *exec.Cmd, pipe *os.File) error {
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	// Those from the terminal are for the command, which is started without this process's handling of signals.
	signal.Notify(make(chan os.Signal, 1), os.Interrupt, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGHUP)
	if err := command.Start(); err != nil {
		return fmt.Errorf("running %s: %w", command.Path, err)
	}
	go receiveSignals(pipe, command.Process)
	return exitOf(command.Wait())
}

// receiveSignals sends a process the signals that a relay writes to a pipe, and the first of them when the relay is gone.
func receiveSignals(pipe *os.File, process *os.Process) {
	next := make([]byte, 1)
	if _, err := pipe.Read(next); err != nil {
		next[0] = byte(syscall.SIGTERM)
	}
	last := syscall.Signal(next[0])
	for {
		if _, err := pipe.Read(next); err != nil {
			_ = process.Signal(last) // or it has ended
			return
		}
		_ = process.Signal(syscall.Signal(next[0]))
	}
}
