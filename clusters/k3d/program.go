package k3d

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/ingress-testbed/testbed/internal/limitwriter"
)

// timeouts bound calls of k3d.
type timeouts struct {
	// list is for the first call, which lists the containers of the container engine.
	list time.Duration
	// start is for creating or starting a cluster, and ready for its nodes to be Ready then.
	start, ready time.Duration
	// load is for importing an archive, delete for deleting a cluster.
	load, delete time.Duration
}

func defaultTimeouts() timeouts {
	return timeouts{list: 20 * time.Second, start: 5 * time.Minute, ready: 3 * time.Minute, load: 10 * time.Minute, delete: 2 * time.Minute}
}

// endDelay is how long k3d gets to end after SIGINT, on which it removes what it has made.
const endDelay = 10 * time.Second

// program is the k3d program.
type program struct {
	path string
	// kubeconfig is a file that k3d may write to: it edits the user's own even without the option for that.
	kubeconfig string
	timeouts   timeouts
}

// find finds the k3d program.
func find(kubeconfig string) (program, error) {
	path, err := exec.LookPath("k3d")
	if err != nil {
		return program{}, fmt.Errorf("k3d is not installed: install it (https://k3d.io), or use CLUSTER=embedded, which needs nothing: %w", err)
	}
	return program{path: path, kubeconfig: kubeconfig, timeouts: defaultTimeouts()}, nil
}

const maxOutput = 8 << 20

var errReported = errors.New("reports an error")

// run runs k3d and returns its standard output. At its level of logging only errors are written to standard error, so
// that anything there is a failure, also if the exit code is 0.
func (p program) run(ctx context.Context, timeout time.Duration, arguments ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("not finished after %v", timeout))
	defer cancel()
	command := exec.CommandContext(ctx, p.path, arguments...)
	command.Env = p.environment(os.Environ())
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = endDelay
	output, problems := limitwriter.NewStrict(maxOutput), limitwriter.New(maxOutput)
	command.Stdout, command.Stderr = output, problems
	err := command.Run()
	problem := lastLine(problems.String())
	switch {
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case err == nil && problem != "":
		err = errReported
	}
	if err == nil {
		return output.Bytes(), nil
	}
	if problem != "" {
		err = fmt.Errorf("%w: %s", err, problem)
	}
	return nil, fmt.Errorf("k3d %s: %w", strings.Join(arguments[:2], " "), err)
}

// environment is that of k3d. Its settings can be given as variables too: those of the user are dropped, but for the names
// of helper images and for workarounds for this machine.
func (p program) environment(own []string) []string {
	kept := []string{"K3D_IMAGE_TOOLS", "K3D_IMAGE_LOADBALANCER", "K3D_HELPER_IMAGE_TAG", "K3D_FIX_CGROUPV2", "K3D_FIX_DNS", "K3D_FIX_MOUNTS"}
	environment := slices.DeleteFunc(slices.Clone(own), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return strings.HasPrefix(name, "K3D_") && !slices.Contains(kept, name)
	})
	// Of a variable that is there twice, the last one counts.
	return append(environment, "KUBECONFIG="+p.kubeconfig, "LOG_LEVEL=error", "LOG_COLORS=false")
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

// listed is a cluster as k3d lists it.
type listed struct {
	Name           string `json:"name"`
	ServersCount   int    `json:"serversCount"`
	ServersRunning int    `json:"serversRunning"`
	AgentsCount    int    `json:"agentsCount"`
	AgentsRunning  int    `json:"agentsRunning"`
}

// running reports whether all nodes of the cluster run.
func (l listed) running() bool {
	return l.ServersRunning >= l.ServersCount && l.AgentsRunning >= l.AgentsCount
}

// list lists the existing clusters, which also checks that the container engine responds.
func (p program) list(ctx context.Context) ([]listed, error) {
	output, err := p.run(ctx, p.timeouts.list, "cluster", "list", "--output", "json")
	if err != nil {
		return nil, fmt.Errorf("k3d can't list its clusters: check that Docker runs (systemctl start docker) and that you may use it (docker info): %w", err)
	}
	return parseList(output)
}

// parseList reads what `k3d cluster list --output json` prints.
func parseList(output []byte) ([]listed, error) {
	var all []listed
	if err := json.Unmarshal(output, &all); err != nil {
		return nil, fmt.Errorf("reading k3d's list of clusters: %w", err)
	}
	return all, nil
}

// get finds an existing cluster.
func (p program) get(ctx context.Context, name string) (cluster listed, there bool, err error) {
	all, err := p.list(ctx)
	if err != nil {
		return listed{}, false, err
	}
	at := slices.IndexFunc(all, func(l listed) bool { return l.Name == name })
	if at < 0 {
		return listed{}, false, nil
	}
	return all[at], true, nil
}

// create creates a cluster: as many nodes as kind has; without the ingress controller and the load balancer that K3s
// includes, which would occupy the ports; with an API server on the loopback, which proxies for HTTPS don't apply to.
func (p program) create(ctx context.Context, config Config) error {
	arguments := []string{
		"cluster", "create", config.Name,
		"--servers", "1", "--agents", "2", "--no-lb", "--api-port", "127.0.0.1:random",
		"--k3s-arg", "--disable=traefik@server:*",
		"--k3s-arg", "--disable=servicelb@server:*",
		"--kubeconfig-update-default=false", "--kubeconfig-switch-context=false",
		"--wait", "--timeout", p.timeouts.start.String(),
	}
	if config.Image != "" {
		arguments = append(arguments, "--image", config.Image)
	}
	_, err := p.run(ctx, p.timeouts.start+endDelay, arguments...) // k3d's own time-out says more
	return err
}

// start starts a cluster that was stopped.
func (p program) start(ctx context.Context, name string) error {
	_, err := p.run(ctx, p.timeouts.start+endDelay, "cluster", "start", name, "--wait", "--timeout", p.timeouts.start.String())
	return err
}

// getKubeconfig returns a cluster's kubeconfig. An API server that listens on all addresses is connected to on the
// loopback: proxies apply to 0.0.0.0, and not to 127.0.0.1.
func (p program) getKubeconfig(ctx context.Context, name string) ([]byte, error) {
	output, err := p.run(ctx, p.timeouts.list, "kubeconfig", "get", name)
	if err != nil {
		return nil, err
	}
	return bytes.ReplaceAll(output, []byte("server: https://0.0.0.0:"), []byte("server: https://127.0.0.1:")), nil
}

// load imports an archive into every node.
func (p program) load(ctx context.Context, name, archive string) error {
	_, err := p.run(ctx, p.timeouts.load, "image", "import", "--cluster", name, archive)
	return err
}

// delete deletes a cluster.
func (p program) delete(ctx context.Context, name string) error {
	_, err := p.run(ctx, p.timeouts.delete, "cluster", "delete", name)
	return err
}
