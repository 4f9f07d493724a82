//go:build linux

package container

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ExecSpec describes a program to run in a running container.
type ExecSpec struct {
	Args  []string
	TTY   bool
	Stdin bool
}

// Exec runs a program in the container whose first process is given, with the environment, user and capabilities of
// the container's spec.
//
// It starts the program from a separate thread that joins the container's namespaces. Joining a mount
// namespace takes the thread's root folder along, so that thread must share it with no other (CLONE_FS).
func Exec(process *Process, spec Spec, what ExecSpec) (*Process, error) {
	var started *Process
	err := onThread(func() error {
		var err error
		started, err = execHere(process.PID(), spec, what)
		return err
	})
	return started, err
}

func execHere(pid int, spec Spec, what ExecSpec) (*Process, error) {
	maps, err := readIDMaps()
	if err != nil {
		return nil, err
	}
	if err := enter(pid); err != nil {
		return nil, err
	}
	id, err := identify(spec.User)
	if err != nil {
		return nil, err
	}
	id = maps.confine(id)
	spec.TTY = what.TTY
	env := completeEnv(spec, id)
	program, err := lookProgram(what.Args, env)
	if err != nil {
		return nil, &StartError{Reason: err.Error()}
	}
	// Opened here, the terminal is one of the container's own and has a name in its /dev/pts.
	streams, err := openStreams(what.TTY, what.Stdin)
	if err != nil {
		return nil, err
	}
	if err := giveStreams(id.UID, streams.childIn, streams.childOut, streams.childErr); err != nil {
		streams.closeAll()
		return nil, err
	}
	p, err := startHere(program, spec, what, id, maps, env, streams)
	if err != nil {
		streams.closeAll()
		return nil, err
	}
	return p, nil
}

func enter(pid int) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return fmt.Errorf("finding the container's process: %w", err)
	}
	defer unix.Close(fd) //nolint:errcheck // only a handle
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return fmt.Errorf("separating a thread: %w", err)
	}
	namespaces := unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS
	if err := unix.Setns(fd, namespaces); err != nil {
		return fmt.Errorf("entering the container: %w", err)
	}
	return nil
}

func startHere(program string, spec Spec, what ExecSpec, id Identity, maps idMaps, env []string, streams *streams) (*Process, error) {
	allowed := capabilityBits(spec.Capabilities)
	if spec.Privileged {
		allowed = ^uint64(0)
	}
	// The program inherits these from the thread; its user determines the rest at execve.
	if err := limitCapabilities(allowed); err != nil {
		return nil, err
	}
	if err := keepCapabilities(); err != nil {
		return nil, err
	}
	if spec.NoNewPrivileges {
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return nil, fmt.Errorf("setting no_new_privs: %w", err)
		}
	}
	cwd := spec.Cwd
	if cwd == "" {
		cwd = "/"
	}
	credential := &syscall.Credential{Uid: id.UID, Gid: id.GID, Groups: id.Groups, NoSetGroups: maps.groupsDenied}
	cmd := &exec.Cmd{
		Path: program, Args: what.Args, Env: env, Dir: cwd,
		Stdin: streams.childIn, Stdout: streams.childOut, Stderr: streams.childErr,
		SysProcAttr: &syscall.SysProcAttr{Credential: credential, Setsid: true, Setctty: what.TTY},
	}
	startedAt := time.Now()
	if err := cmd.Start(); err != nil {
		var pathError *os.PathError
		if errors.As(err, &pathError) {
			return nil, &StartError{Reason: fmt.Sprintf("exec %s: %v", what.Args[0], pathError.Err)}
		}
		return nil, fmt.Errorf("starting %s: %w", what.Args[0], err)
	}
	streams.closeChildEnds()
	return newProcess(cmd, streams, startedAt), nil
}
