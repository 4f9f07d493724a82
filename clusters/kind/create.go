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

	"github.com/ingress-testbed/testbed/clusters/tempdir"
)

// readyTimeout bounds the wait for the control plane of a new cluster.
const readyTimeout = 4 * time.Minute

// Config says which cluster to use, or how to make it.
type Config struct {
	// Name of the cluster.
	Name string
	// Image of the nodes, which decides about the version of Kubernetes: kind's own default if empty.
	Image string
	// File with kind's own configuration (kind.x-k8s.io/v1alpha4), used as it is. Without it, the cluster has a control
	// plane and two workers.
	File string
	// CaptureImage is the image of the agents that capture packets; podcapture.DefaultImage if empty.
	CaptureImage string
	// Progress is where kind says what it does; nil for nowhere.
	Progress io.Writer
}

// Exists tells whether a cluster of that name is there, running or not. The error says what is missing for kind to
// be used at all.
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

// Connect uses a cluster that is there. Destroy then lets go of it.
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
		return nil, fmt.Errorf("there is no kind cluster %q", config.Name)
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
	connected, err := newCluster(ctx, config, provider, dir)
	if err != nil {
		return nil, errors.Join(unusable(config.Name, err), dir.Remove())
	}
	return connected, nil
}

func unusable(name string, err error) error {
	return fmt.Errorf("the name %q is taken by a kind cluster that can't be used; delete it (kind delete cluster --name %s) or choose another --name: %w",
		name, name, withOutput(err))
}

// Create makes a cluster. Destroy then deletes it. Nothing is left of one that can't be made, also when ctx ends.
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
		return nil, fmt.Errorf("a kind cluster %q is there already: choose another --name", config.Name)
	}
	if err := found.checkName(ctx, config.Name+"-control-plane"); err != nil {
		return nil, err
	}
	dir, err := privateFolder()
	if err != nil {
		return nil, err
	}
	made, err := create(ctx, config, provider, dir)
	if err != nil {
		return nil, errors.Join(remedy(config, found, err), dir.Remove())
	}
	return made, nil
}

func create(ctx context.Context, config Config, provider *cluster.Provider, dir *tempdir.Dir) (*Cluster, error) {
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
		// kind can't be told to stop, but fails as soon as its nodes are gone, and then removes the rest.
		_ = provider.Delete(config.Name, kubeconfigPath(dir))
		<-created //nolint:errcheck // its error is only that the nodes are gone
		return nil, errors.Join(context.Cause(ctx), provider.Delete(config.Name, kubeconfigPath(dir)))
	}
	if err != nil {
		return nil, errors.Join(err, deleteLate(provider, config.Name, kubeconfigPath(dir)))
	}
	made, err := newCluster(ctx, config, provider, dir)
	if err == nil {
		err = made.waitNodes(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, provider.Delete(config.Name, kubeconfigPath(dir)))
	}
	made.ours = true
	return made, nil
}

// deleteLate deletes what is left of a cluster that couldn't be made. kind cleans up itself, but doesn't wait for nodes
// that it was making when another failed.
func deleteLate(provider *cluster.Provider, name, kubeconfig string) error {
	const rounds, between = 15, time.Second
	var err error
	for range rounds {
		err = provider.Delete(name, kubeconfig)
		time.Sleep(between)
	}
	return err
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

// remedy says what to do about the usual reasons why kind can't make a cluster.
func remedy(config Config, found engine, err error) error {
	said := withOutput(err)
	switch text := said.Error(); {
	case errors.Is(err, context.Canceled):
		return err
	case strings.Contains(text, "failed to pull image"):
		return fmt.Errorf("the node image %s is not on this machine and can't be pulled: load it (%s load), or name one that is there with KIND_IMAGE: %w",
			cmp.Or(config.Image, "of kind's default"), found.program, said)
	case config.File != "" && (errors.Is(err, os.ErrNotExist) || strings.Contains(text, "unable to decode") || strings.Contains(text, "error decoding")):
		return fmt.Errorf("the configuration %s (KIND_CONFIG) can't be used: %w", config.File, said)
	}
	return fmt.Errorf("making the kind cluster %q: %w", config.Name, said)
}

// withOutput adds the last line that a failed command of kind's printed.
func withOutput(err error) error {
	// kind's errors have causes, which errors.As doesn't see.
	if run := exec.RunErrorForError(err); run != nil && len(run.Output) > 0 {
		return fmt.Errorf("%w: %s", err, lastLine(string(run.Output)))
	}
	return err
}

// privateFolder is for the kubeconfig, with which anybody could do anything to the cluster.
func privateFolder() (*tempdir.Dir, error) { return tempdir.Make("kind") }

func kubeconfigPath(dir *tempdir.Dir) string { return filepath.Join(dir.Path(), "kubeconfig") }
