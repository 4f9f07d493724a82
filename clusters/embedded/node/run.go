//go:build linux

package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/ingress-testbed/testbed/clusters/embedded/addressplan"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent"
	"github.com/ingress-testbed/testbed/clusters/embedded/announcer"
	"github.com/ingress-testbed/testbed/clusters/embedded/control"
	"github.com/ingress-testbed/testbed/internal/kubeclient"
)

// registrationTimeout is how long flannel waits for the agent to register the node.
const registrationTimeout = time.Minute

// Main runs a node until it is signalled to end, and returns the process's exit code. It logs to standard error.
func Main(configPath string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if err := run(ctx, configPath, log); err != nil && !errors.Is(err, context.Canceled) {
		log.Error("node failed", "error", err)
		return 1
	}
	return 0
}

func run(ctx context.Context, configPath string, log *slog.Logger) error {
	c, err := readConfig(configPath)
	if err != nil {
		return err
	}
	cniDir := filepath.Join(c.StateDir, "cni")
	if err := c.writeNetworkConfig(cniDir); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := agent.Run(ctx, c.agentConfig(cniDir, log)); err != nil {
			return fmt.Errorf("node agent: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		if err := c.waitForRegistration(ctx); err != nil {
			return err
		}
		return c.runFlannel(ctx)
	})
	group.Go(func() error {
		if err := announcer.Run(ctx, c.announcerConfig(log)); err != nil {
			return fmt.Errorf("announcing load balancers: %w", err)
		}
		return nil
	})
	return group.Wait()
}

func (c Config) agentConfig(cniDir string, log *slog.Logger) agent.Config {
	return agent.Config{
		NodeName: c.Name, InternalIP: c.InternalIP, ExternalIP: c.ExternalIP, PodCIDR: c.PodCIDR,
		Kubeconfig: c.Kubeconfig, KubeletVersion: c.KubernetesVersion,
		ServingCert: c.ServingCert, ServingKey: c.ServingKey, ClientCA: c.ClientCA,
		CNIConfDir: cniDir, CNIBinDir: c.CNIBinDir, CNICacheDir: filepath.Join(c.StateDir, "cni-cache"),
		StateDir: AgentDir(c.StateDir), ImageDir: c.ImageDir, LogDir: c.PodLogs,
		Registries: registries{control.NewInsideClient()}, LoadCommand: c.LoadCommand,
		ClusterDNS: c.ClusterDNS, ClusterDomain: c.ClusterDomain, Logger: log,
	}
}

func (c Config) announcerConfig(log *slog.Logger) announcer.Config {
	return announcer.Config{
		Node: c.Name, Address: c.InternalIP, Interface: addressplan.MachineInterface, Pool: c.LoadBalancerCIDR,
		Kubeconfig: c.AnnouncerKubeconfig, Log: log,
	}
}

// AgentDir is the agent's folder in a node's StateDir.
func AgentDir(stateDir string) string { return filepath.Join(stateDir, "agent") }

// waitForRegistration waits until the node's object exists, which flannel reads only once, and sets an annotation, as
// flannel requires a non-nil map. It is the one that a kubelet sets.
func (c Config) waitForRegistration(ctx context.Context) error {
	_, client, err := kubeclient.Connect(c.Kubeconfig, kubeclient.Options{})
	if err != nil {
		return err
	}
	const patch = `{"metadata":{"annotations":{"volumes.kubernetes.io/controller-managed-attach-detach":"true"}}}`
	var last error
	err = wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, registrationTimeout, true,
		func(ctx context.Context) (bool, error) {
			_, last = client.CoreV1().Nodes().Patch(ctx, c.Name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
			return last == nil, nil
		})
	if err != nil {
		return fmt.Errorf("waiting for the agent to register the node: %w (last: %w)", err, last)
	}
	return nil
}
