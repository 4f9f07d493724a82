// Package kubectl runs kubectl command lines and parses their output.
package kubectl

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/ingress-testbed/testbed/internal/limitwriter"
)

const (
	// commandTimeout bounds a command, such as one that watches.
	commandTimeout = time.Minute
	// killDelay is how long a cancelled command may take until its output is closed.
	killDelay = 2 * time.Second
	// maxOutput is the most bytes of the standard output, and of the standard error, of a command.
	maxOutput = 16 << 20
)

// Program is a kubectl that is configured for a cluster.
type Program struct {
	// Command is the program and its first arguments: {"kubectl"} or {"kube", "kubectl"}.
	Command []string
	// Kubeconfig is the path of the kubeconfig file.
	Kubeconfig string
	// CacheDir is the folder for kubectl's discovery cache; kubectl's default, in the user's home, if empty.
	CacheDir string
}

// Output is the output and the exit code of a command.
type Output struct {
	Stdout, Stderr string
	ExitCode       int
}

// Find finds kubectl in PATH.
func Find() ([]string, error) {
	path, err := exec.LookPath("kubectl")
	if err != nil {
		return nil, fmt.Errorf("the scenarios need kubectl: install it, or add it to PATH: %w", err)
	}
	return []string{path}, nil
}

// Run runs a command line that begins with the word kubectl. A nonzero exit code is not an error.
func (p Program) Run(ctx context.Context, line string) (Output, error) {
	words, err := Words(line)
	if err != nil {
		return Output{}, fmt.Errorf("parsing the command %q: %w", line, err)
	}
	if len(words) < 2 || words[0] != "kubectl" {
		return Output{}, fmt.Errorf("the command %q does not begin with kubectl and a subcommand", line)
	}
	if len(p.Command) == 0 {
		return Output{}, errors.New("no kubectl is configured")
	}
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	arguments := append(append([]string{}, p.Command[1:]...), words[1:]...)
	command := exec.CommandContext(ctx, p.Command[0], arguments...)
	command.Env = append(os.Environ(), "KUBECONFIG="+p.Kubeconfig, "KUBECTL_KUBERC=false")
	if p.CacheDir != "" {
		command.Env = append(command.Env, "KUBECACHEDIR="+p.CacheDir)
	}
	command.WaitDelay = killDelay
	// A write beyond the limit fails, which closes the pipe to the command.
	stdout, stderr := limitwriter.NewStrict(maxOutput), limitwriter.NewStrict(maxOutput)
	command.Stdout, command.Stderr = stdout, stderr
	err = command.Run()
	output := Output{Stdout: stdout.String(), Stderr: stderr.String(), ExitCode: command.ProcessState.ExitCode()}
	var exit *exec.ExitError
	switch {
	case stdout.Truncated() || stderr.Truncated():
		return output, fmt.Errorf("running %q: the output exceeds %d MiB", line, maxOutput>>20)
	case ctx.Err() != nil:
		return output, fmt.Errorf("running %q: %w", line, context.Cause(ctx))
	case err != nil && !errors.As(err, &exit):
		return output, fmt.Errorf("running %q: %w", line, err)
	}
	return output, nil
}
