package subject

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/fixtures/charts"
	chartrelease "github.com/ingress-testbed/testbed/fixtures/charts/release"
	"github.com/ingress-testbed/testbed/steps/client"
	"github.com/ingress-testbed/testbed/steps/helm"
	"github.com/ingress-testbed/testbed/steps/objects"
)

// release is a Helm release that a step has installed.
type release struct {
	name    charts.Release
	objects []*unstructured.Unstructured
}

// Helm runs a Helm command. A release replaces what Ensure deployed, and the other way round. Commands change only
// releases that a step of this run has installed.
func (d *Deployed) Helm(ctx context.Context, command helm.Command) (output string, entry client.Entry, err error) {
	done, err := d.acquire(ctx)
	if err != nil {
		return "", client.Entry{}, err
	}
	defer done()
	d.setEnsured(nil)
	switch command.Verb {
	case helm.Install, helm.Upgrade:
		return d.upgrade(ctx, command)
	case helm.Uninstall:
		if d.released == nil || d.released.name != command.Release {
			return "", client.Entry{}, fmt.Errorf("release %s in namespace %s was not installed by a step of this run", command.Release.Name, command.Release.Namespace)
		}
		removed := d.released.objects
		if output, _, err = helm.Run(ctx, d.cluster.Releases, command); err != nil {
			return "", client.Entry{}, err
		}
		d.released, d.serviceVersion = nil, ""
		return output, client.Entry{}, d.cluster.Objects.WaitGone(ctx, removed)
	}
	output, _, err = helm.Run(ctx, d.cluster.Releases, command)
	return output, client.Entry{}, err
}

// upgrade installs or upgrades the release. The caller must have acquired d.
func (d *Deployed) upgrade(ctx context.Context, command helm.Command) (output string, entry client.Entry, err error) {
	installation, values, err := d.source.RenderRelease(command.Release, command.Values)
	if err != nil {
		return "", client.Entry{}, err
	}
	if d.released != nil && d.released.name != command.Release {
		if err := d.uninstall(ctx); err != nil {
			return "", client.Entry{}, err
		}
	}
	if d.released == nil {
		if err := d.makeRoom(ctx, installation); err != nil {
			return "", client.Entry{}, fmt.Errorf("deploying the ingress controller: %w", err)
		}
	}
	command.Values = values
	_, rendered := splitNamespaces(installation.Objects)
	d.released = &release{name: command.Release, objects: rendered} // also if it fails half-way
	output, deployed, err := helm.Run(ctx, d.cluster.Releases, command)
	if err != nil {
		if strings.Contains(err.Error(), "provided port is already allocated") {
			err = fmt.Errorf("another Service uses a node port of the scenario: %w: %w", err, clusters.ErrUnsupported)
		}
		return "", client.Entry{}, err
	}
	d.released.objects = deployed.Objects // others than those that were rendered if values are reused
	for _, object := range deployed.Objects {
		if err := d.cluster.waitReady(ctx, object); err != nil {
			return output, client.Entry{}, err
		}
		if object.GetKind() == "Service" && object.GetName() == installation.Service {
			current, err := d.cluster.Objects.Get(ctx, object)
			if err != nil {
				return output, client.Entry{}, err
			}
			if err := d.waitSync(ctx, current.GetResourceVersion()); err != nil {
				return output, client.Entry{}, err
			}
		}
	}
	entry, err = d.finish(ctx, installation)
	return output, entry, err
}

// makeRoom deletes the objects that Ensure applied, and applies the namespace of a release, which Helm doesn't label.
func (d *Deployed) makeRoom(ctx context.Context, installation Installation) error {
	applied := d.applied
	d.applied, d.serviceVersion = nil, ""
	namespaces, _ := splitNamespaces(installation.Objects)
	obsolete := slices.DeleteFunc(slices.Clone(applied), func(old *unstructured.Unstructured) bool {
		return slices.ContainsFunc(namespaces, func(kept *unstructured.Unstructured) bool { return objects.Name(kept) == objects.Name(old) })
	})
	if err := d.cluster.Objects.Delete(ctx, obsolete); err != nil {
		return err
	}
	for _, namespace := range namespaces {
		if err := d.cluster.Objects.CheckOwned(ctx, namespace, ""); err != nil {
			return err
		}
		created, err := d.cluster.Objects.Apply(ctx, namespace, "")
		if err != nil {
			return err
		}
		d.applied = append(d.applied, created)
	}
	return nil
}

// splitNamespaces returns copies of the objects that are Namespaces, and of the others.
func splitNamespaces(list []*unstructured.Unstructured) (namespaces, others []*unstructured.Unstructured) {
	for _, object := range copies(list) {
		if object.GetKind() == "Namespace" {
			namespaces = append(namespaces, object)
		} else {
			others = append(others, object)
		}
	}
	return namespaces, others
}

// uninstall uninstalls the release of earlier Helm commands, if there is one, and waits until its objects are gone. The
// caller must have acquired d.
func (d *Deployed) uninstall(ctx context.Context) error {
	if d.released == nil {
		return nil
	}
	err := d.cluster.Releases.Uninstall(ctx, d.released.name)
	if err != nil && !errors.Is(err, chartrelease.ErrNotFound) {
		return err
	}
	removed := d.released.objects
	d.released, d.serviceVersion = nil, ""
	return d.cluster.Objects.WaitGone(ctx, removed)
}
