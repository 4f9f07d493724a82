//go:build linux

// Package container runs containers as processes in Linux namespaces, without a container engine.
//
// A container is started by running this program again with the single argument "container-init" in new mount and PID
// namespaces. That child joins its Pod's network, IPC and UTS namespaces, builds the root file system, drops
// capabilities and becomes the container's program by execve(2). So main must begin with
//
//	if len(os.Args) > 1 && os.Args[1] == container.InitArgument { container.Init() }
//
// It works as root and as the root of a user namespace, whatever users are mapped into it.
package container

import "k8s.io/utils/ptr"

// InitArgument is the first argument with which a program is called to become a container.
const InitArgument = "container-init"

// Spec describes a container. It is handed to the child as JSON.
type Spec struct {
	// Scratch is an empty folder of the container. The child mounts a tmpfs on it for what the container writes to its
	// root file system; it ends with the container.
	Scratch string
	// ScratchBytes is the size limit of that, 0 for the kernel's default of half the memory.
	ScratchBytes int64 `json:",omitempty"`
	// RootFS is the folder with the image's files. It is never written to.
	RootFS string
	// ReadOnly makes the whole root file system read-only, except for mounts.
	ReadOnly bool `json:",omitempty"`
	// Namespaces to join.
	Namespaces Namespaces
	// Mounts on the root file system, in order.
	Mounts []Mount `json:",omitempty"`
	// Args is the program, looked up in the container's PATH, and its arguments.
	Args []string
	// Env is the environment, "NAME=value". PATH, HOME and TERM are added where missing.
	Env []string
	// Cwd is the working folder, made if it is missing; "" is "/".
	Cwd string `json:",omitempty"`
	// User to run as.
	User User
	// Capabilities by name ("NET_BIND_SERVICE") that the container may have at most.
	Capabilities []string `json:",omitempty"`
	// NoNewPrivileges is prctl(PR_SET_NO_NEW_PRIVS): set-user-ID programs and file capabilities have no effect.
	NoNewPrivileges bool `json:",omitempty"`
	// Privileged gives all capabilities, all devices and a writable /sys and /proc/sys.
	Privileged bool `json:",omitempty"`
	// TTY gives the process a terminal instead of pipes.
	TTY bool `json:",omitempty"`
	// Pause makes the process a pause container: it runs no program, keeps its namespaces, as their first process, and
	// reaps orphans. Other containers can join its PID namespace. All fields but User and Namespaces are ignored.
	Pause bool `json:",omitempty"`
	// Stdin keeps a pipe or the terminal open as the standard input; otherwise that is /dev/null.
	Stdin bool `json:",omitempty"`
}

// Namespaces are paths of namespaces to join; "" stays in that of the caller.
type Namespaces struct {
	Net string `json:",omitempty"`
	IPC string `json:",omitempty"`
	UTS string `json:",omitempty"`
	// PID is the process whose PID namespace to join; 0 makes a new one, unless HostPID stays in that of the caller.
	PID     int  `json:",omitempty"`
	HostPID bool `json:",omitempty"`
}

// Mount is a bind mount of a file or folder.
type Mount struct {
	Source string
	// Destination in the container, from its root. It is made if missing.
	Destination string
	ReadOnly    bool `json:",omitempty"`
	// Recursive includes the mounts below Source.
	Recursive bool `json:",omitempty"`
}

// User is the user a container runs as. The Pod's (UID, GID) overrides the image's (Image).
type User struct {
	// Image is the image's "user[:group]", by names or numbers, looked up in the container's /etc/passwd and /etc/group.
	Image string   `json:",omitempty"`
	UID   *uint32  `json:",omitempty"`
	GID   *uint32  `json:",omitempty"`
	Extra []uint32 `json:",omitempty"` // supplementary groups beside those of /etc/group
}

// Root is the user with ID 0 in group 0.
func Root() User { return User{UID: ptr.To[uint32](0), GID: ptr.To[uint32](0)} }
