package k3d

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// listTimeout bounds the first command, which asks the container engine for its containers.
const listTimeout = 20 * time.Second

// find looks k3d up. e2e-framework's provider would download and build it, which nobody asked for.
func find() (string, error) {
	path, err := exec.LookPath("k3d")
	if err != nil {
		return "", fmt.Errorf("k3d is not installed: install it (https://k3d.io), or use CLUSTER=embedded, which needs nothing: %w", err)
	}
	return path, nil
}

// names lists the clusters that are there, and so proves that the container engine answers.
func names(ctx context.Context, program string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	command := exec.CommandContext(ctx, program, "cluster", "list", "--output", "json")
	command.WaitDelay = time.Second
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("k3d can't list its clusters: make sure that Docker runs (systemctl start docker) and that you may use it (docker info): %w", complaint(err))
	}
	return parseNames(output)
}

// parseNames reads what `k3d cluster list --output json` prints.
func parseNames(output []byte) ([]string, error) {
	var listed []struct {
		Name string `json:"name"`
	}
	if err := json.Unmarshal(output, &listed); err != nil {
		return nil, fmt.Errorf("reading k3d's list of clusters: %w", err)
	}
	all := make([]string, 0, len(listed))
	for _, one := range listed {
		all = append(all, one.Name)
	}
	return all, nil
}

// complaint adds the last line that a failed command printed.
func complaint(err error) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) || len(exit.Stderr) == 0 {
		return err
	}
	lines := strings.Split(strings.TrimSpace(string(exit.Stderr)), "\n")
	return fmt.Errorf("%w: %s", err, lines[len(lines)-1])
}

// taken tells whether a cluster of the name is there. e2e-framework's provider takes a name for that of any cluster that
// begins with it, so that such a pair is refused.
func taken(all []string, name string) (bool, error) {
	there := false
	for _, one := range all {
		switch {
		case one == name:
			there = true
		case strings.HasPrefix(one, name):
			return false, fmt.Errorf("the name %q can't be told from that of the k3d cluster %q: choose another --name", name, one)
		}
	}
	return there, nil
}
