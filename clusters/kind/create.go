package kind

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
	"sigs.k8s.io/kind/pkg/cluster"
	"sigs.k8s.io/kind/pkg/exec"

	"github.com/ingress-testbed/testbed/clusters/connection"
	"github.com/ingress-testbed/testbed/clusters/tempdir"
)

const (
	// readyTimeout bounds the wait for the control plane of a new cluster, and then for its other nodes.
	readyTimeout = 4 * time.Minute
	// containerTimeout bounds the wait for containers that kind was still creating when it failed.
	containerTimeout = 15 * time.Second
)

// Config selects an existing cluster or describes a new one.
type Config struct {
	// Name of the cluster.
	Name string
	// Image of the nodes, which determines the version of Kubernetes; kind's own default if empty.
	Image string
	// File with kind's own configuration (kind.x-k8s.io/v1alpha4), used as it is. Without it, the cluster has a control
	// plane and two workers.
	File string
	// CaptureImage is the image of the agents that capture packets; podcapture.DefaultImage if empty.
	CaptureImage string
	// Progress receives kind's own progress messages; nil discards them.
	Progress io.Writer
}

// Exists reports whether a cluster of that name exists, running or not. It fails if kind can't be used at all, and the
// error says what is missing.
func Exists(ctx context.Context, name string) (bool, error) {
	provider, _, err := newProvider(ctx, nil)
	if err != nil {
		return false, err
	}
	return exists(provider, name)
}

func newProvider(ctx context.Context, progress io.Writer) (*cluster.Provider, engine, error) {
	found, err := findEngine(ctx)
	if err != nil {
		return nil, engine{}, err
	}
	return cluster.NewProvider(found.option, cluster.ProviderWithLogger(logger{progress})), found, nil
}

func exists(provider *cluster.Provider, name string) (bool, error) {
	names, err := provider.List()
	if err != nil {
		return false, fmt.Errorf("listing kind's clusters: %w", err)
	}
	return slices.Contains(names, name), nil
}

// Connect connects to an existing cluster, which Destroy keeps.
func Connect(ctx context.Context, config Config) (*Cluster, error) {
	provider, _, err := newProvider(ctx, config.Progress)
	if err != nil {
		return nil, err
	}
	there, err := exists(provider, config.Name)
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, fmt.Errorf("kind cluster %q not found", config.Name)
	}
	kubeconfig, err := provider.KubeConfig(config.Name, false)
	if err != nil {
		return nil, unusable(config.Name, err)
	}
	dir, err := privateFolder()
	if err != nil {
		return nil, err
	}
	path := kubeconfigPath(dir)
	if err := os.WriteFile(path, []byte(kubeconfig), 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("writing the cluster's kubeconfig: %w", err), dir.Remove())
	}
	c := &Cluster{name: config.Name, dir: dir, kind: provider}
	if c.connection, err = connection.Open(ctx, path, config.CaptureImage); err != nil {
		return nil, errors.Join(unusable(config.Name, err), dir.Remove())
	}
	return c, nil
}

func unusable(name string, err error) error {
	return fmt.Errorf("kind cluster %q exists but can't be used; delete it (kind delete cluster --name %s) or choose another --name: %w",
		name, name, withOutput(err))
}

// Create creates a cluster, which Destroy deletes. If it fails or ctx ends, nothing of the cluster is left.
func Create(ctx context.Context, config Config) (*Cluster, error) {
	provider, found, err := newProvider(ctx, config.Progress)
	if err != nil {
		return nil, err
	}
	there, err := exists(provider, config.Name)
	if err != nil {
		return nil, err
	}
	if there {
		return nil, fmt.Errorf("kind cluster %q already exists: choose another --name", config.Name)
	}
	if err := found.checkName(ctx, config.Name+"-control-plane"); err != nil {
		return nil, err
	}
	dir, err := privateFolder()
	if err != nil {
		return nil, err
	}
	c, err := create(ctx, config, provider, found, dir)
	if err != nil {
		return nil, errors.Join(remedy(config, found, err), dir.Remove())
	}
	return c, nil
}

func create(ctx context.Context, config Config, provider *cluster.Provider, found engine, dir *tempdir.Dir) (*Cluster, error) {
	options := []cluster.CreateOption{
		cluster.CreateWithNodeImage(config.Image),
		cluster.CreateWithKubeconfigPath(kubeconfigPath(dir)),
		cluster.CreateWithWaitForReady(readyTimeout),
		cluster.CreateWithDisplayUsage(false),
		cluster.CreateWithDisplaySalutation(false),
		configuration(config.File),
	}
	created := make(chan error, 1)
	go func() { created <- provider.Create(config.Name, options...) }()
	var err error
	select {
	case err = <-created:
	case <-ctx.Done():
		// kind can't be interrupted, but fails as soon as its nodes are gone.
		_ = provider.Delete(config.Name, kubeconfigPath(dir))
		<-created //nolint:errcheck // the error is only that the nodes are gone
		return nil, errors.Join(context.Cause(ctx), deleteRest(context.WithoutCancel(ctx), provider, found, config.Name, kubeconfigPath(dir)))
	}
	if err != nil {
		return nil, errors.Join(err, deleteRest(context.WithoutCancel(ctx), provider, found, config.Name, kubeconfigPath(dir)))
	}
	c := &Cluster{name: config.Name, dir: dir, kind: provider, created: true}
	c.connection, err = connection.Open(ctx, kubeconfigPath(dir), config.CaptureImage)
	if err == nil {
		err = c.connection.WaitReady(ctx, readyTimeout)
	}
	if err != nil {
		return nil, errors.Join(err, provider.Delete(config.Name, kubeconfigPath(dir)))
	}
	return c, nil
}

// deleteRest deletes what is left of a cluster that could not be created. kind deletes it too, but doesn't wait for
// nodes that it was creating at the same time when another failed: their containers appear later.
func deleteRest(ctx context.Context, provider *cluster.Provider, found engine, name, kubeconfig string) error {
	ctx, cancel := context.WithTimeout(ctx, containerTimeout)
	defer cancel()
	return errors.Join(found.waitCommands(ctx, name), provider.Delete(name, kubeconfig))
}

func configuration(file string) cluster.CreateOption {
	if file != "" {
		return cluster.CreateWithConfigFile(file)
	}
	config := &v1alpha4.Cluster{Nodes: []v1alpha4.Node{
		{Role: v1alpha4.ControlPlaneRole}, {Role: v1alpha4.WorkerRole}, {Role: v1alpha4.WorkerRole},
	}}
	v1alpha4.SetDefaultsCluster(config)
	return cluster.CreateWithV1Alpha4Config(config)
}

// remedy adds what the user can do about the usual reasons why kind can't create a cluster.
func remedy(config Config, found engine, err error) error {
	explained := withOutput(err)
	switch text := explained.Error(); {
	case errors.Is(err, context.Canceled):
		return err
	case strings.Contains(text, "failed to pull image"):
		return fmt.Errorf("the node image %s is not on this machine and can't be pulled: load it (%s load), or name one that is there with KIND_IMAGE: %w",
			cmp.Or(config.Image, "of kind's default"), found.program, explained)
	case config.File != "" && (errors.Is(err, os.ErrNotExist) || strings.Contains(text, "unable to decode") || strings.Contains(text, "error decoding")):
		return fmt.Errorf("the configuration %s (KIND_CONFIG) can't be used: %w", config.File, explained)
	}
	return fmt.Errorf("creating kind cluster %q: %w", config.Name, explained)
}

// withOutput adds the last line of output of a command that kind ran and that failed.
func withOutput(err error) error {
	// kind's errors have causes, which errors.As doesn't see.
	if run := exec.RunErrorForError(err); run != nil && len(run.Output) > 0 {
		return fmt.Errorf("%w: %s", err, lastLine(string(run.Output)))
	}
	return err
}

// privateFolder is for the kubeconfig, which gives full access to the cluster.
func privateFolder() (*tempdir.Dir, error) { return tempdir.Make("kind") }

func kubeconfigPath(dir *tempdir.Dir) string { return filepath.Join(dir.Path(), "kubeconfig") }
