// Package shell runs a shell or a command on a machine of a running embedded cluster: nsenter(1) enters its namespaces, and
// this program, inside, gives the machine its name and passes signals on to the command.
package shell

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/ingress-testbed/testbed/clusters/embedded"
	"github.com/ingress-testbed/testbed/clusters/embedded/control"
)

// Command is the argument of this program inside of a cluster's namespaces, followed by a machine's name, a
// folder and a command. File descriptor 3 is the pipe of a relay, and 4 is the folder as the caller has it.
const Command = "machine-shell"

// Enter runs a command on a machine, or a shell if there is none, with this process's streams. An exit code other than 0 is
// an ExitCode. nsenter(1) of util-linux does the entering: a Go program has too many threads to join a user namespace.
func Enter(running embedded.Running, machine string, command []string) error {
	machines := []string{"client", "router"}
	for _, node := range running.Spec.Network.Nodes {
		machines = append(machines, node.Name)
	}
	kubeconfig := control.NodeKubeconfig
	pid := strconv.Itoa(running.PID)
	network := fmt.Sprintf("/proc/%s/root/run/netns/%s", pid, machine)
	switch machine {
	case "client":
		kubeconfig = control.ClientKubeconfig
	case "router":
		network = fmt.Sprintf("/proc/%s/ns/net", pid)
	default:
		if _, err := os.Stat(network); err != nil {
			return fmt.Errorf("cluster %q has no machine %q; it has: %s", running.Name, machine, strings.Join(machines, ", "))
		}
	}
	nsenter, err := exec.LookPath("nsenter")
	if err != nil {
		return fmt.Errorf("nsenter is missing (package util-linux): %w", err)
	}
	arguments := []string{"--target", pid, "--mount", "--pid", "--ipc", "--uts", "--net=" + network}
	if os.Geteuid() != 0 {
		arguments = append(arguments, "--user", "--preserve-credentials")
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding the running program: %w", err)
	}
	path, folder := currentFolder()
	defer folder.Close()
	arguments = append(arguments, "--", self, Command, machine, path)
	interactive := len(command) == 0
	if interactive {
		command = []string{"sh"}
		if bash, err := exec.LookPath("bash"); err == nil {
			command = []string{bash, "--norc"}
		}
		if _, err := exec.LookPath("curl"); err != nil {
			fmt.Fprintln(os.Stderr, "curl is not installed on this machine, so it is not there inside either.")
		}
	}
	inside := exec.Command(nsenter, append(arguments, command...)...)
	inside.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig, "KUBECACHEDIR="+control.KubectlCache, "PS1=\\u@"+machine+":\\w\\$ ",
		"PATH="+control.ProgramDir+":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	return relay{interactive: interactive}.run(inside, folder)
}

// currentFolder returns the folder that this process is in, and its path. There are neither if the folder is gone.
func currentFolder() (path string, folder *os.File) {
	path, err := os.Getwd()
	if err != nil {
		return "", nil
	}
	if folder, err = os.Open(path); err != nil {
		return path, nil
	}
	return path, folder
}
