//go:build linux

package container

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// File descriptors that Start hands to its child.
const (
	specFD   = 3 + iota // the Spec as JSON
	reportFD            // the error; closed empty by execve on success
)

// Init turns the calling process, which Start made, into the container. It never returns: it either becomes the
// container's program or reports an error to Start and exits.
func Init() {
	// Namespaces, capabilities and no_new_privs belong to threads; the one that calls execve passes its own on.
	runtime.LockOSThread()
	report := os.NewFile(reportFD, "report")
	err := becomeContainer(os.NewFile(specFD, "spec"))
	fmt.Fprint(report, err)
	os.Exit(startErrorCode)
}

// becomeContainer returns only if it fails.
func becomeContainer(specFile *os.File) error {
	unix.CloseOnExec(reportFD)
	var spec Spec
	if err := json.NewDecoder(specFile).Decode(&spec); err != nil {
		return fmt.Errorf("reading the container's specification: %w", err)
	}
	if err := specFile.Close(); err != nil {
		return err
	}
	if err := joinNamespaces(spec.Namespaces); err != nil {
		return err
	}
	if spec.Pause {
		return pause()
	}
	maps, err := readIDMaps()
	if err != nil {
		return err
	}
	if err := enterRootFS(spec, maps); err != nil {
		return err
	}
	id, err := identify(spec.User)
	if err != nil {
		return err
	}
	id = maps.confine(id)
	env := completeEnv(spec, id)
	if err := enterCwd(spec.Cwd, id); err != nil {
		return err
	}
	program, err := lookProgram(spec.Args, env)
	if err != nil {
		return err
	}
	if err := giveStreams(id.UID, os.Stdin, os.Stdout, os.Stderr); err != nil {
		return err
	}
	if err := drop(spec, id, maps); err != nil {
		return err
	}
	// The kernel resets it at every change of user, so it comes last.
	if err := endWithLauncher(); err != nil {
		return err
	}
	return fmt.Errorf("exec %s: %w", spec.Args[0], syscall.Exec(program, spec.Args, env))
}

func joinNamespaces(n Namespaces) error {
	for _, ns := range []struct {
		path string
		kind int
		name string
	}{{n.Net, unix.CLONE_NEWNET, "network"}, {n.IPC, unix.CLONE_NEWIPC, "IPC"}, {n.UTS, unix.CLONE_NEWUTS, "UTS"}} {
		if ns.path == "" {
			continue
		}
		f, err := os.Open(ns.path)
		if err != nil {
			return fmt.Errorf("opening the Pod's %s namespace: %w", ns.name, err)
		}
		err = unix.Setns(int(f.Fd()), ns.kind)
		if err = errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("joining the Pod's %s namespace: %w", ns.name, err)
		}
	}
	return nil
}

// drop drops capabilities and changes the user of the calling thread, by raw system calls: Go's wrappers change all
// threads, which is not needed right before execve.
func drop(spec Spec, id Identity, maps idMaps) error {
	allowed := capabilityBits(spec.Capabilities)
	if spec.Privileged {
		allowed = ^uint64(0)
	}
	if err := limitCapabilities(allowed); err != nil {
		return err
	}
	if !maps.groupsDenied {
		if err := setGroups(id.Groups); err != nil {
			return err
		}
	}
	if err := keepCapabilities(); err != nil {
		return err
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESGID, uintptr(id.GID), uintptr(id.GID), uintptr(id.GID)); errno != 0 {
		return fmt.Errorf("becoming group %d: %w", id.GID, errno)
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, uintptr(id.UID), uintptr(id.UID), uintptr(id.UID)); errno != 0 {
		return fmt.Errorf("becoming user %d: %w", id.UID, errno)
	}
	if err := setCapabilities(allowed); err != nil {
		return err
	}
	if spec.NoNewPrivileges {
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return fmt.Errorf("setting no_new_privs: %w", err)
		}
	}
	return nil
}

// setGroups sets the supplementary groups of the calling thread.
func setGroups(groups []uint32) error {
	var first *uint32
	if len(groups) > 0 {
		first = &groups[0]
	}
	if errno := rawSetgroups(len(groups), first); errno != 0 {
		return fmt.Errorf("setting supplementary groups: %w", errno)
	}
	return nil
}

// enterCwd makes the working folder if the image has none, owned by the container's user.
func enterCwd(cwd string, id Identity) error {
	if cwd == "" {
		cwd = "/"
	}
	if _, err := os.Stat(cwd); errors.Is(err, os.ErrNotExist) {
		if err := os.MkdirAll(cwd, 0o755); err != nil {
			return fmt.Errorf("making the working folder: %w", err)
		}
		if err := os.Lchown(cwd, int(id.UID), int(id.GID)); err != nil {
			return fmt.Errorf("making the working folder: %w", err)
		}
	}
	if err := os.Chdir(cwd); err != nil {
		return fmt.Errorf("entering the working folder: %w", err)
	}
	return nil
}

// defaultPath is the PATH if neither image nor Pod sets one.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// completeEnv adds the variables that every process expects.
func completeEnv(spec Spec, id Identity) []string {
	env := slices.Clip(spec.Env) // several Execs may append to it at once
	add := func(name, value string) {
		for _, e := range env {
			if strings.HasPrefix(e, name+"=") {
				return
			}
		}
		env = append(env, name+"="+value)
	}
	add("PATH", defaultPath)
	add("HOME", id.Home)
	if spec.TTY {
		add("TERM", "xterm")
	}
	return env
}

// lookProgram finds the program in the container's PATH.
func lookProgram(args, env []string) (string, error) {
	if len(args) == 0 {
		return "", errors.New("no command: neither the image nor the Pod names a program")
	}
	name := args[0]
	if strings.Contains(name, "/") {
		return name, executable(name)
	}
	folders := defaultPath
	for _, e := range env {
		if path, ok := strings.CutPrefix(e, "PATH="); ok {
			folders = path
		}
	}
	for _, folder := range filepath.SplitList(folders) {
		if candidate := filepath.Join(folder, name); executable(candidate) == nil {
			return candidate, nil
		}
	}
	return "", fmt.Errorf("exec: %q: executable file not found in $PATH", name)
}

func executable(path string) error {
	info, err := os.Stat(path)
	if err == nil && (info.IsDir() || info.Mode()&0o111 == 0) {
		err = os.ErrPermission
	}
	if err != nil {
		return fmt.Errorf("exec: %q: %w", path, underlying(err))
	}
	return nil
}

// underlying strips an operation and path that the wrapping message has.
func underlying(err error) error {
	var pathError *os.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}
