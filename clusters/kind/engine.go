package kind

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"sigs.k8s.io/kind/pkg/cluster"
)

// engineTimeout bounds the engine's response to a first command.
const engineTimeout = 15 * time.Second

// engine is the container engine that kind's nodes run on.
type engine struct {
	program string
	option  cluster.ProviderOption
}

func engines() []engine {
	return []engine{
		{"docker", cluster.ProviderWithDocker()},
		{"podman", cluster.ProviderWithPodman()},
		{"nerdctl", cluster.ProviderWithNerdctl("nerdctl")},
	}
}

// findEngine chooses as kind itself does: what KIND_EXPERIMENTAL_PROVIDER names, or the first that is installed. It
// checks that the engine responds.
func findEngine(ctx context.Context) (engine, error) {
	found, err := chooseEngine(os.Getenv("KIND_EXPERIMENTAL_PROVIDER"), func(program string) bool {
		_, err := exec.LookPath(program)
		return err == nil
	})
	if err != nil {
		return engine{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, engineTimeout)
	defer cancel()
	command := exec.CommandContext(ctx, found.program, "info")
	command.WaitDelay = time.Second
	if output, err := command.CombinedOutput(); err != nil {
		return engine{}, fmt.Errorf("the container engine %s is installed but doesn't respond (%w): start it (systemctl start docker), "+
			"or check that you may use it (%s info): %s", found.program, err, found.program, lastLine(string(output)))
	}
	return found, nil
}

func chooseEngine(wanted string, installed func(string) bool) (engine, error) {
	for _, candidate := range engines() {
		if wanted == candidate.program || wanted == "" && installed(candidate.program) {
			if !installed(candidate.program) {
				return engine{}, fmt.Errorf("KIND_EXPERIMENTAL_PROVIDER is %s, which is not installed: install it or unset the variable", wanted)
			}
			return candidate, nil
		}
	}
	if wanted != "" {
		return engine{}, fmt.Errorf("KIND_EXPERIMENTAL_PROVIDER is %q; kind supports docker, podman and nerdctl", wanted)
	}
	return engine{}, errors.New("kind needs a container engine, and neither docker, podman nor nerdctl is installed: " +
		"install one (https://docs.docker.com/engine/install), or use CLUSTER=embedded, which needs none")
}

// checkName checks that no container has the name of a future node: kind would only report that a command failed.
func (e engine) checkName(ctx context.Context, node string) error {
	ctx, cancel := context.WithTimeout(ctx, engineTimeout)
	defer cancel()
	command := exec.CommandContext(ctx, e.program, "container", "inspect", node)
	command.WaitDelay = time.Second
	if command.Run() == nil {
		return fmt.Errorf("container %q exists and belongs to no kind cluster: remove it (%s rm %s) or choose another --name",
			node, e.program, node)
	}
	return nil
}

// lastLine of a program's output usually has its error message.
func lastLine(output string) string {
	lines := strings.Split(strings.TrimSpace(output), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}
