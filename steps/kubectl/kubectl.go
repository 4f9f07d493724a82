// Package kubectl runs kubectl commands as a reader of a walkthrough types them, and reads what they print.
package kubectl

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

const (
	// commandTimeout bounds a command; those that follow something forever are not for scenarios.
	commandTimeout = time.Minute
	// killDelay is how long a command may take to end when it is told to.
	killDelay = 2 * time.Second
	// mostOutput bounds what is kept of each of a command's outputs, in bytes.
	mostOutput = 16 << 20
)

// Program is a kubectl and the cluster that it talks to.
type Program struct {
	// Command is the program and the arguments that every call begins with: {"kubectl"}, or {"kube", "kubectl"}.
	Command []string
	// Kubeconfig is the file that says how to reach the cluster.
	Kubeconfig string
	// CacheDir is where kubectl keeps what it has found out about the cluster; its own choice, in the user's home, if empty.
	CacheDir string
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
	command := exec.CommandContext(ctx, p.Command[0], arguments...)
	command.Env = append(os.Environ(), "KUBECONFIG="+p.Kubeconfig, "KUBECTL_KUBERC=false")
	if p.CacheDir != "" {
		command.Env = append(command.Env, "KUBECACHEDIR="+p.CacheDir)
	}
	command.WaitDelay = killDelay
	var stdout, stderr limited
	command.Stdout, command.Stderr = &stdout, &stderr
	err = command.Run()
	output := Output{Stdout: stdout.String(), Stderr: stderr.String(), ExitCode: command.ProcessState.ExitCode()}
	var exit *exec.ExitError
	switch {
	case stdout.cut || stderr.cut:
		return output, fmt.Errorf("running %q: it prints more than %d MiB", line, mostOutput>>20)
	case ctx.Err() != nil:
		return output, fmt.Errorf("running %q: %w", line, context.Cause(ctx))
	case err != nil && !errors.As(err, &exit):
		return output, fmt.Errorf("running %q: %w", line, err)
	}
	return output, nil
}

// limited keeps what is written up to mostOutput, and then fails, which breaks the pipe to the command.
type limited struct {
	text bytes.Buffer
	cut  bool
}

func (l *limited) Write(p []byte) (int, error) {
	room := mostOutput - l.text.Len()
	if len(p) <= room {
		return l.text.Write(p)
	}
	l.cut = true
	n, _ := l.text.Write(p[:room])
	return n, io.ErrShortWrite
}

func (l *limited) String() string { return l.text.String() }
