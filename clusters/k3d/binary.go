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

// listTimeout bounds the first command, which lists the containers of the container engine.
const listTimeout = 20 * time.Second

// find finds the k3d program. Without it, e2e-framework's provider would download and build one.
func find() (string, error) {
	path, err := exec.LookPath("k3d")
	if err != nil {
		return "", fmt.Errorf("k3d is not installed: install it (https://k3d.io), or use CLUSTER=embedded, which needs nothing: %w", err)
	}
	return path, nil
}

// names lists the existing clusters, which also checks that the container engine responds.
func names(ctx context.Context, program string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	command := exec.CommandContext(ctx, program, "cluster", "list", "--output", "json")
	command.WaitDelay = time.Second
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("k3d can't list its clusters: check that Docker runs (systemctl start docker) and that you may use it (docker info): %w", withOutput(err))
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

// withOutput adds the last line of a failed command's standard error.
func withOutput(err error) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) || len(exit.Stderr) == 0 {
		return err
	}
	lines := strings.Split(strings.TrimSpace(string(exit.Stderr)), "\n")
	return fmt.Errorf("%w: %s", err, lines[len(lines)-1])
}

// contains reports whether a cluster of the name exists. e2e-framework's provider confuses a name with any that begins
// with it, so such a pair is an error.
func contains(all []string, name string) (bool, error) {
	found := false
	for _, one := range all {
		switch {
		case one == name:
			found = true
		case strings.HasPrefix(one, name):
			return false, fmt.Errorf("the name %q is a prefix of that of k3d cluster %q, from which k3d can't distinguish it: choose another --name", name, one)
		}
	}
	return found, nil
}
