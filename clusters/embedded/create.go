// Package embedded is a Kubernetes cluster that needs nothing but a Linux kernel and nft: a real control plane and
// real kube-proxies, on machines that are namespaces of the kernel. The host's network is neither changed nor
// reachable from inside, and the whole cluster ends with its first process.
package embedded

import (
	"context"
	"fmt"
	"os"

	"github.com/ingress-testbed/testbed/clusters/embedded/control"
	"github.com/ingress-testbed/testbed/clusters/embedded/lastend"
)

// Create makes a cluster and returns when it can be used. It ends with Destroy, or with this process.
func Create(ctx context.Context, config Config) (*Cluster, error) {
	config, err := config.WithDefaults()
	if err != nil {
		return nil, err
	}
	programs, err := config.Programs()
	if err != nil {
		return nil, err
	}
	if err := checkMachine(haveProgram); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(config.Logs, 0o755); err != nil {
		return nil, fmt.Errorf("making the folder for logs: %w", err)
	}
	s := &supervisor{}
	if s.lock, err = lockName(config.Name); err != nil {
		return nil, err
	}
	if err := lastend.Forget(config.Name); err != nil {
		s.stop()
		return nil, err
	}
	if s.api, err = listenForAPI(config.APIPort); err != nil {
		s.stop()
		return nil, err
	}
	spec := control.Spec{
		Name: config.Name, Network: config.Network, KubernetesVersion: programs.Version,
		Kube: programs.Kube, CNI: programs.CNI, Images: []string{programs.DNS}, Logs: config.Logs, HostAPI: s.api.address(),
	}
	if err := s.start(ctx, programs.Testbed, spec, config.Progress); err != nil {
		s.stop()
		return nil, fmt.Errorf("making cluster %q: %w (logs are in %s)", config.Name, err, config.Logs)
	}
	c := newCluster(spec, s.process.Process.Pid)
	c.supervisor = s
	return c, nil
}
