// Package kubectl runs kubectl commands as a reader of a walkthrough types them, and reads what they print.
package kubectl

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"
)

const (
	// commandTimeout bounds a command; those that follow something forever are not for scenarios.
	commandTimeout = time.Minute
	// killDelay is how long a command may take to end when it is told to.
	killDelay = 2 * time.Second
)

// Program is a kubectl and the cluster that it talks to.
type Program struct {
	// Command is the program and the arguments that every call begins with: {"kubectl"}, or {"kube", "kubectl"}.
	Command []string
	// Kubeconfig is the file that says how to reach the cluster.
	Kubeconfig string
}

// Output is what a command printed and how it ended.
type Output struct {
	Stdout, Stderr string
	ExitCode       int
}

// Find looks kubectl up in PATH.
func Find() ([]string, error) {
	path, err := exec.LookPath("kubectl")
	if err != nil {
		return nil, fmt.Errorf("the scenarios run kubectl, which is not installed: install it or put it into PATH: %w", err)
	}
	return []string{path}, nil
}

// Run runs a command line that begins with the word kubectl. A command that fails is no error; its exit code says so.
func (p Program) Run(ctx context.Context, line string) (Output, error) {
	words, err := Words(line)
	if err != nil {
		return Output{}, fmt.Errorf("reading the command %q: %w", line, err)
	}
	if len(words) < 2 || words[0] != "kubectl" {
		return Output{}, fmt.Errorf("the command %q doesn't begin with kubectl and a verb", line)
	}
	if len(p.Command) == 0 {
		return Output{}, errors.New("no kubectl was given to the scenarios")
	}
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	arguments := append(append([]string{}, p.Command[1:]...), words[1:]...)
	command := exec.CommandContext(ctx, p.Command[0], arguments...) //nolint:gosec // the feature files say what to run
	command.Env = append(os.Environ(), "KUBECONFIG="+p.Kubeconfig, "KUBECTL_KUBERC=false")
	command.WaitDelay = killDelay
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	err = command.Run()
	output := Output{Stdout: stdout.String(), Stderr: stderr.String(), ExitCode: command.ProcessState.ExitCode()}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return output, fmt.Errorf("running %q: %w", line, context.Cause(ctx))
	case err != nil && !errors.As(err, &exit):
		return output, fmt.Errorf("running %q: %w", line, err)
	}
	return output, nil
}
