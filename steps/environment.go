// Package steps is the vocabulary of the feature files: what a scenario can say about a cluster, an ingress controller
// in it, requests from outside, and what becomes of them. Each file holds the steps about one subject.
//
// Nothing here knows of a certain walkthrough, host or address: those are in the feature files. Where a step needs
// something that only the running cluster knows, the feature file writes a role such as ${client address}.
package steps

import (
	"context"
	"fmt"
	"io/fs"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/steps/kubectl"
	"github.com/ingress-testbed/testbed/steps/objects"
)

// Environment is what all scenarios of a run share.
type Environment struct {
	Cluster    clusters.Cluster
	Objects    *objects.API
	Kubectl    kubectl.Program
	Controller IngressController
	// Features holds the feature files and the files that they name, by path.
	Features fs.FS
	// ArtefactDir is where packet captures are kept.
	ArtefactDir string
	// Disposable says that the cluster ends with the run, so that nothing has to be removed from it but what would be in
	// another scenario's way.
	Disposable bool
	// StoryNamespace is where stories take place: "default" if empty. It has to be there.
	StoryNamespace string
	// Patience with the controller.
	Patience Patience
	// Note tells people what is being waited for; nil tells nobody.
	Note func(string)

	uptake uptake

	mu      sync.Mutex
	nodes   []clusters.Node
	stories map[string]*place
	leaving []*unstructured.Unstructured // being deleted, not yet seen gone
}

// Nodes of the cluster, asked for once.
func (e *Environment) Nodes(ctx context.Context) ([]clusters.Node, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.nodes != nil {
		return e.nodes, nil
	}
	nodes, err := e.Cluster.Nodes(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing the cluster's nodes: %w", err)
	}
	if len(nodes) == 0 {
		return nil, fmt.Errorf("the cluster %s has no nodes", e.Cluster.Name())
	}
	e.nodes = nodes
	return nodes, nil
}

// node finds a node by its name.
func (e *Environment) node(ctx context.Context, name string) (clusters.Node, error) {
	nodes, err := e.Nodes(ctx)
	if err != nil {
		return clusters.Node{}, err
	}
	for _, node := range nodes {
		if node.Name == name {
			return node, nil
		}
	}
	return clusters.Node{}, fmt.Errorf("the cluster %s has no node %q", e.Cluster.Name(), name)
}

func (e *Environment) note(format string, arguments ...any) {
	if e.Note != nil {
		e.Note(fmt.Sprintf(format, arguments...))
	}
}

// Clean removes what the run made in the cluster: stories that were broken off, the controller, and whatever else is
// still on its way out. It does nothing to a disposable cluster.
func (e *Environment) Clean(ctx context.Context) error {
	if e.Disposable {
		return nil
	}
	e.mu.Lock()
	leaving := e.leaving
	for _, story := range e.stories {
		leaving = append(leaving, story.objects...)
	}
	e.leaving, e.stories = nil, nil
	e.mu.Unlock()
	if e.Controller != nil {
		leaving = append(e.Controller.release(), leaving...)
	}
	e.note("removing what the scenarios made from the cluster")
	return e.Objects.Delete(ctx, leaving)
}
