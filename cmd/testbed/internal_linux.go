package main

import (
	"syscall"

	"github.com/ingress-testbed/testbed/clusters/embedded/container"
	"github.com/ingress-testbed/testbed/clusters/embedded/control"
	"github.com/ingress-testbed/testbed/clusters/embedded/node"
	"github.com/ingress-testbed/testbed/clusters/embedded/shell"
	"github.com/ingress-testbed/testbed/clusters/embedded/testnetwork"
)

// runInternal runs one of the embedded cluster's own processes. It returns false if the arguments are those of a user.
func runInternal(args []string) (code int, done bool) {
	if len(args) == 0 {
		return 0, false
	}
	switch {
	case args[0] == control.Command:
		return testnetwork.Main(), true
	case args[0] == node.Command && len(args) == 2:
		return node.Main(args[1]), true
	case args[0] == shell.Command && len(args) > 3:
		return shell.Main(args[1], args[2], args[3:]), true
	case args[0] == container.InitArgument:
		container.Init() // becomes the container's program
	}
	return 0, false
}

// redirect makes a file descriptor refer to the file of another.
func redirect(from, to int) error { return syscall.Dup3(to, from, 0) }
