package suite

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/fixtures/charts/release"
	"github.com/ingress-testbed/testbed/steps"
	"github.com/ingress-testbed/testbed/steps/kubectl"
	"github.com/ingress-testbed/testbed/steps/objects"
	"github.com/ingress-testbed/testbed/steps/subject"
)

// Connect gets the cluster, loads the images, and returns what runs on it share. artefacts is the folder for captures and
// caches. The cluster is returned if there is one, also with an error; the caller destroys it.
func Connect(ctx context.Context, options Options, artefacts string) (clusters.Cluster, *steps.Environment, error) {
	cluster, err := options.NewCluster(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("getting a cluster: %w", err)
	}
	for _, image := range options.Images {
		options.note("loading the image %s", filepath.Base(image))
		if err := cluster.LoadImage(ctx, image); err != nil {
			return cluster, nil, fmt.Errorf("loading the image %s: %w", image, err)
		}
	}
	api, err := objects.Connect(cluster.Kubeconfig())
	if err != nil {
		return cluster, nil, err
	}
	api.Prepare = options.Prepare
	api.Progress = func(text string) { options.note("%s", text) }
	nodes, err := cluster.Nodes(ctx)
	if err != nil {
		return cluster, nil, fmt.Errorf("listing the cluster's nodes: %w", err)
	}
	if len(nodes) == 0 {
		return cluster, nil, fmt.Errorf("the cluster %s has no nodes", cluster.Name())
	}
	environment := &steps.Environment{
		Cluster: cluster,
		Nodes:   nodes,
		Objects: api,
		Kubectl: kubectl.Program{
			Command: options.Kubectl, Kubeconfig: cluster.Kubeconfig(), CacheDir: filepath.Join(artefacts, "kubectl-cache"),
		},
		WaitPolicy:       options.WaitPolicy,
		Features:         options.Files,
		LoadScale:        options.LoadScale,
		ArtefactDir:      artefacts,
		ArticleNamespace: options.ArticleNamespace,
		Disposable:       options.Disposable,
	}
	environment.Controller = options.NewController(clusterOf(options, environment))
	return cluster, environment, nil
}

// clusterOf is the cluster of an environment for an ingress controller.
func clusterOf(options Options, environment *steps.Environment) subject.Cluster {
	cluster := environment.Cluster
	return subject.Cluster{
		Objects: environment.Objects, Nodes: environment.Nodes, Client: cluster.Client(), Access: cluster.Access(),
		Releases: release.New(release.Config{Kubeconfig: cluster.Kubeconfig(), Prepare: options.Prepare}),
	}
}

func (o Options) note(format string, arguments ...any) {
	if o.Progress != nil {
		fmt.Fprintf(o.Progress, format+"\n", arguments...)
	}
}
