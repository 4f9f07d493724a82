package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/clusters/embedded"
	"github.com/ingress-testbed/testbed/steps/kubectl"
	"github.com/ingress-testbed/testbed/steps/subject"
	"github.com/ingress-testbed/testbed/steps/subject/testbed"
)

// clusterSource is where a run's cluster comes from.
type clusterSource struct {
	get func(context.Context) (clusters.Cluster, error)
	// disposable says that the cluster ends with the run.
	disposable bool
	images     []string
	kubectl    []string
	close      func()

	// What a cluster that others use too demands; the zero values of suite.Options otherwise.
	walkthroughNamespace string
	prepare              func(*unstructured.Unstructured)
	render               subject.Render // testbed.Render if nil

	// existing identifies the controller to judge, if the cluster has it already.
	existing   *subject.Reference
	waitPolicy subject.WaitPolicy
}

// newController returns the controller under test.
func (s *clusterSource) newController(cluster subject.Cluster) subject.Controller {
	switch {
	case s.existing != nil:
		return subject.NewExisting(cluster, *s.existing)
	case s.render != nil:
		return subject.NewDeployed(cluster, s.render)
	}
	return subject.NewDeployed(cluster, testbed.Render)
}

// provider is a way to get a cluster.
type provider struct {
	name string
	// flags are those that only it knows; register adds them to a command.
	flags    []string
	register func(*cobra.Command)
	// source checks what can be checked before anything is started. Existing identifies the controller to judge, if the
	// cluster has it already.
	source func(ctx context.Context, progress io.Writer, existing *subject.Reference) (*clusterSource, error)
}

// providers are the ways to get a cluster; the name of the cluster is a flag that they share.
func providers(name *string) []provider {
	return []provider{embeddedProvider(name), kindProvider(name), k3dProvider(name), kubeconfigProvider(name)}
}

func names(all []provider) string {
	var list []string
	for _, one := range all {
		list = append(list, one.name)
	}
	return strings.Join(list, ", ")
}

// choose finds a provider by its name, and refuses flags that mean nothing to it.
func choose(all []provider, name string, cmd *cobra.Command) (provider, error) {
	at := slices.IndexFunc(all, func(one provider) bool { return one.name == name })
	if at < 0 {
		return provider{}, fmt.Errorf("there is no cluster %q: --cluster and CLUSTER take %s", name, names(all))
	}
	for _, other := range all {
		for _, flag := range other.flags {
			if cmd.Flags().Changed(flag) && !slices.Contains(all[at].flags, flag) {
				return provider{}, fmt.Errorf("--%s means nothing to the cluster %q: it is for --cluster %s", flag, name, other.name)
			}
		}
	}
	return all[at], nil
}

// builtImages are archives that `make build` leaves beside this program.
func builtImages(names ...string) ([]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding the running program: %w", err)
	}
	var paths []string
	for _, name := range names {
		path := filepath.Join(filepath.Dir(self), "images", name+".tar")
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("%s is not built: run `make build` first", path)
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// findKubectl finds the kubectl that is installed, or the one that `make build` makes for embedded clusters.
func findKubectl() ([]string, error) {
	installed, err := kubectl.Find()
	if err == nil {
		return installed, nil
	}
	if programs, notBuilt := (embedded.Config{}).Programs(); notBuilt == nil {
		return []string{programs.Kube, "kubectl"}, nil
	}
	return nil, err
}
