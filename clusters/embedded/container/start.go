//go:build linux

package container

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// startTimeout bounds how long the child may take to become the container's program.
const startTimeout = 30 * time.Second

// Launcher starts containers, all of them from one thread that never ends before the Launcher does. Containers set a
// parent-death signal, so that none outlives an agent that crashes, and to the kernel the parent is the thread that
// started them. Any other thread of a Go program may end at any time.
type Launcher struct {
	program string
	jobs    chan func()
}

// NewLauncher makes a Launcher. Containers are started by the given program with InitArgument, or by the running one
// for "". Closing the Launcher kills its containers.
func NewLauncher(program string) *Launcher {
	if program == "" {
		program = "/proc/self/exe"
	}
	l := &Launcher{program: program, jobs: make(chan func())}
	go l.run()
	return l
}

func (l *Launcher) run() {
	runtime.LockOSThread() // never unlocked: the thread ends with this function
	if unix.Gettid() == unix.Getpid() {
		// The process's first thread does not end, however. While it is locked here, the next goroutine gets another
		// one.
		finished := make(chan struct{})
		go func() {
			defer close(finished)
			l.run()
		}()
		<-finished
		return
	}
	for job := range l.jobs {
		job()
	}
}

// Close ends the Launcher's thread. No container may be started afterwards.
func (l *Launcher) Close() { close(l.jobs) }

// onLauncherThread waits for its turn and runs f.
func (l *Launcher) onLauncherThread(f func() error) error {
	result := make(chan error)
	l.jobs <- func() { result <- f() }
	return <-result
}

// Start starts a container and returns once its program runs. A StartError means that it could not.
func (l *Launcher) Start(spec Spec) (*Process, error) {
	if err := CheckUser(spec.User); err != nil {
		return nil, err
	}
	streams, err := openStreams(spec.TTY, spec.Stdin)
	if err != nil {
		return nil, err
	}
	p, err := l.start(spec, streams)
	if err != nil {
		streams.closeAll()
		return nil, err
	}
	return p, nil
}

func (l *Launcher) start(spec Spec, streams *streams) (*Process, error) {
	specOut, specIn, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("opening pipe: %w", err)
	}
	defer specOut.Close()
	defer specIn.Close()
	reportOut, reportIn, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("opening pipe: %w", err)
	}
	defer reportOut.Close()
	defer reportIn.Close()

	cmd := exec.Command(l.program, InitArgument)
	// The child needs only one processor, and starts faster with fewer threads.
	cmd.Env = []string{"GOMAXPROCS=1", "GOGC=off"}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = streams.childIn, streams.childOut, streams.childErr
	cmd.ExtraFiles = []*os.File{specOut, reportIn}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setsid:     true,
		Setctty:    spec.TTY,
		Cloneflags: syscall.CLONE_NEWNS,
	}
	startedAt := time.Now()
	if err := l.onLauncherThread(func() error { return forkIn(spec.Namespaces, cmd) }); err != nil {
		return nil, fmt.Errorf("starting the container's first process: %w", err)
	}
	streams.closeChildEnds()
	p := newProcess(cmd, streams, startedAt)
	if err := handOver(spec, specIn, reportOut, reportIn); err != nil {
		p.Signal(unix.SIGKILL) //nolint:errcheck // it may be gone already
		<-p.Done()
		return nil, err
	}
	return p, nil
}

// handOver sends the child its specification and waits until it has become the container's program.
func handOver(spec Spec, specIn, reportOut, reportIn *os.File) error {
	if err := reportIn.Close(); err != nil {
		return err
	}
	// A child that died early makes the write fail with EPIPE; its report says more.
	writeErr := errors.Join(json.NewEncoder(specIn).Encode(spec), specIn.Close())
	if err := reportOut.SetReadDeadline(time.Now().Add(startTimeout)); err != nil {
		return err
	}
	const longestReport = 64 << 10
	report, readErr := io.ReadAll(io.LimitReader(reportOut, longestReport))
	switch {
	case len(report) > 0:
		return &StartError{Reason: strings.TrimSpace(string(report))}
	case readErr != nil:
		return fmt.Errorf("waiting for the container to start: %w", readErr)
	case writeErr != nil:
		return fmt.Errorf("handing the container its specification: %w", writeErr)
	}
	return nil
}

// StartError is why a container's program could not be run, for the user.
type StartError struct{ Reason string }

func (e *StartError) Error() string { return e.Reason }

// forkIn starts cmd in a given PID namespace. Joining one affects only the thread's later children, and is undone
// afterwards.
func forkIn(n Namespaces, cmd *exec.Cmd) (err error) {
	if n.PID == 0 && !n.HostPID {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWPID
	}
	if n.PID == 0 {
		return cmd.Start()
	}
	theirs, err := unix.PidfdOpen(n.PID, 0)
	if err != nil {
		return fmt.Errorf("finding the Pod's process namespace: %w", err)
	}
	defer unix.Close(theirs) //nolint:errcheck // only a handle
	own, err := os.Open("/proc/self/ns/pid")
	if err != nil {
		return fmt.Errorf("finding the agent's process namespace: %w", err)
	}
	defer own.Close()
	if err := unix.Setns(theirs, unix.CLONE_NEWPID); err != nil {
		return fmt.Errorf("joining the Pod's process namespace: %w", err)
	}
	defer func() {
		if back := unix.Setns(int(own.Fd()), unix.CLONE_NEWPID); back != nil {
			err = errors.Join(err, fmt.Errorf("leaving the Pod's process namespace: %w", back))
		}
	}()
	return cmd.Start()
}

// onThread runs f on a thread that ends with it, so that f may change the thread's state.
func onThread(f func() error) error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlock: the runtime then ends the thread
		result <- f()
	}()
	return <-result
}

// streams are both ends of a container's standard streams.
type streams struct {
	in, out, err                *os.File // the agent's ends; err is nil with a terminal
	childIn, childOut, childErr *os.File
}

func openStreams(tty, stdin bool) (*streams, error) {
	if tty {
		master, slave, err := pty.Open()
		if err != nil {
			return nil, fmt.Errorf("opening a terminal: %w", err)
		}
		return &streams{in: master, out: master, childIn: slave, childOut: slave, childErr: slave}, nil
	}
	s := &streams{}
	var err error
	if s.out, s.childOut, err = os.Pipe(); err == nil {
		if s.err, s.childErr, err = os.Pipe(); err == nil {
			if stdin {
				s.childIn, s.in, err = os.Pipe()
			} else {
				s.childIn, err = os.Open(os.DevNull)
			}
		}
	}
	if err != nil {
		s.closeAll()
		return nil, fmt.Errorf("opening standard streams: %w", err)
	}
	return s, nil
}

func (s *streams) closeChildEnds() { closeFiles(s.childIn, s.childOut, s.childErr) }

func (s *streams) closeAll() {
	s.closeChildEnds()
	closeFiles(s.in, s.out, s.err)
}

// closeFiles closes each file once and ignores files that are nil or closed already.
func closeFiles(files ...*os.File) {
	for _, f := range files {
		if f != nil {
			f.Close()
		}
	}
}
