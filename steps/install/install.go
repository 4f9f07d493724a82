// Package install installs the ingress controller in a cluster as a Helm release that stays, and removes it.
package install

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/fixtures/charts"
	"github.com/ingress-testbed/testbed/fixtures/charts/release"
	"github.com/ingress-testbed/testbed/steps/objects"
	"github.com/ingress-testbed/testbed/steps/subject"
)

// Request is what to install.
type Request struct {
	Release charts.Release
	// Values of the chart. Those of an earlier installation are not kept.
	Values map[string]any
	// Images are archives to load into the nodes.
	Images []string
	// Progress gets a line for each part of the installation.
	Progress io.Writer
}

// Install installs or upgrades a release and waits until the controller responds.
func Install(ctx context.Context, cluster clusters.Cluster, request Request) error {
	for _, image := range request.Images {
		fmt.Fprintf(request.Progress, "Loading the image %s\n", filepath.Base(image))
		if err := cluster.LoadImage(ctx, image); err != nil {
			return err
		}
	}
	fmt.Fprintf(request.Progress, "Installing release %s in namespace %s\n", request.Release.Name, request.Release.Namespace)
	deployed, err := release.New(release.Config{Kubeconfig: cluster.Kubeconfig()}).Upgrade(ctx, release.Request{
		Release: request.Release, Values: request.Values, Create: true, ResetValues: true,
	})
	if err != nil {
		return err
	}
	return await(ctx, cluster, deployed, request.Progress)
}

// await waits until the objects of a release are ready and the controller responds to the client outside the cluster.
func await(ctx context.Context, cluster clusters.Cluster, deployed release.Info, progress io.Writer) error {
	api, err := objects.Connect(cluster.Kubeconfig())
	if err != nil {
		return err
	}
	api.Progress = func(text string) { fmt.Fprintf(progress, "  %s\n", text) }
	for _, object := range deployed.Objects {
		if err := api.WaitReady(ctx, object); err != nil {
			return err
		}
	}
	class, service := classAndService(deployed.Objects)
	fmt.Fprintf(progress, "Revision %d is ready", deployed.Revision)
	if class != nil {
		fmt.Fprintf(progress, "; it serves Ingresses of class %s", class.GetName())
	}
	nodes, err := cluster.Nodes(ctx)
	if err != nil || class == nil || service == nil {
		fmt.Fprintln(progress)
		return err
	}
	existing := subject.NewExisting(subject.Cluster{Objects: api, Nodes: nodes, Client: cluster.Client(), Access: cluster.Access()},
		subject.Reference{
			IngressClass: class.GetName(), Namespace: service.GetNamespace(), Service: service.GetName(), ByClusterIP: !cluster.Access().NodePorts,
		})
	if err := existing.Check(ctx); err != nil {
		return err
	}
	entry, err := existing.Ensure(ctx, nil)
	if err != nil {
		return err
	}
	fmt.Fprintf(progress, " at http://%s and https://%s\n", entry.HTTP, entry.HTTPS)
	return nil
}

// classAndService finds the IngressClass of a release and the Service that receives its requests; nil if the values leave
// them out, or if no request can enter by the Service.
func classAndService(list []*unstructured.Unstructured) (class, service *unstructured.Unstructured) {
	var workload string
	for _, object := range list {
		if kind := object.GetKind(); kind == "Deployment" || kind == "DaemonSet" {
			workload = object.GetName()
		}
	}
	for _, object := range list {
		switch object.GetKind() {
		case "IngressClass":
			class = object
		case "Service":
			if kind, _, _ := unstructured.NestedString(object.Object, "spec", "type"); object.GetName() == workload && kind != "ClusterIP" {
				service = object
			}
		}
	}
	return class, service
}

// Uninstall removes a release and waits until its objects are gone. The error wraps release.ErrNotFound if it doesn't exist.
func Uninstall(ctx context.Context, kubeconfig string, name charts.Release) error {
	client := release.New(release.Config{Kubeconfig: kubeconfig})
	installed, err := client.Get(ctx, name)
	if err != nil {
		return err
	}
	if err := client.Uninstall(ctx, name); err != nil {
		return err
	}
	api, err := objects.Connect(kubeconfig)
	if err != nil {
		return err
	}
	return api.WaitGone(ctx, installed.Objects)
}
