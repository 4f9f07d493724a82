package subject

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/internal/sleep"
	"github.com/ingress-testbed/testbed/steps/client"
	"github.com/ingress-testbed/testbed/steps/objects"
)

// serviceSyncDelay is how long a changed Service may take to reach the rules of the nodes. kube-proxy doesn't report
// when it has synchronized its rules; it batches changes for one second at most (--iptables-min-sync-period and the
// equivalents of other modes).
const serviceSyncDelay = 1500 * time.Millisecond

// Deployed is an ingress controller that is deployed by the run. There is one at a time, because node ports, the
// IngressClass and the ClusterRole are cluster-wide.
type Deployed struct {
	cluster Cluster
	source  Source

	// deploying holds one value while a goroutine deploys, checks or removes the controller, and guards the fields up to
	// mu. It is not a mutex, because acquiring it has to end with a context.
	deploying chan struct{}
	rendered  map[string]Installation // by settings, so that certificates are issued once
	applied   []*unstructured.Unstructured
	released  *release // nil if there is none
	// serviceVersion is the resource version of the Service as last applied.
	serviceVersion string

	mu      sync.Mutex
	current *Installation
	ensured *ensured // nil if the controller may have changed since the last Ensure
}

// ensured is the outcome of an Ensure.
type ensured struct {
	settings string // as of settingsKey
	entry    client.Entry
}

var _ Controller = (*Deployed)(nil)

// NewDeployed returns a controller that is deployed by its first Ensure.
func NewDeployed(cluster Cluster, source Source) *Deployed {
	return &Deployed{cluster: cluster, source: source, rendered: map[string]Installation{}, deploying: make(chan struct{}, 1)}
}

// acquire waits for other deployments to end. The caller calls release if there is no error.
func (d *Deployed) acquire(ctx context.Context) (release func(), err error) {
	select {
	case d.deploying <- struct{}{}:
		return func() { <-d.deploying }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for another deployment of the ingress controller: %w", context.Cause(ctx))
	}
}

func (d *Deployed) setCurrent(installation *Installation) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.current = installation
}

// Recheck makes the next Ensure apply all objects again.
func (d *Deployed) Recheck() { d.setEnsured(nil) }

func (d *Deployed) setEnsured(outcome *ensured) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ensured = outcome
}

func (d *Deployed) lastEnsured() *ensured {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ensured
}

// Check reports whether the names of the controller's objects are free. An object of that name which the test-bed didn't
// create would otherwise be overwritten and, in the end, deleted.
func (d *Deployed) Check(ctx context.Context) error {
	release, err := d.acquire(ctx)
	if err != nil {
		return err
	}
	defer release()
	installation, err := d.installationFor(nil)
	if err != nil {
		return err
	}
	for _, object := range copies(installation.Objects) {
		if err := d.cluster.Objects.CheckOwned(ctx, object, installation.Namespace); err != nil {
			return fmt.Errorf("the ingress controller can't be deployed: %w; remove it (testbed uninstall), use --cluster kubeconfig, which "+
				"chooses other names, or test the existing controller (--ingress-class and --controller-service)", err)
		}
	}
	if _, err := d.Installation(); err != nil {
		d.setCurrent(&installation)
	}
	return nil
}

// Ensure deploys the controller with the settings, or restores them, and returns its node ports at the node of its Pod. It
// does nothing if the last one was for the same settings and nothing has called Recheck since.
func (d *Deployed) Ensure(ctx context.Context, settings map[string]string) (client.Entry, error) {
	release, err := d.acquire(ctx)
	if err != nil {
		return client.Entry{}, err
	}
	defer release()
	if last := d.lastEnsured(); last != nil && last.settings == settingsKey(settings) {
		return last.entry, nil
	}
	d.setEnsured(nil)
	installation, err := d.installationFor(settings)
	if err != nil {
		return client.Entry{}, err
	}
	if err := d.uninstall(ctx); err != nil {
		return client.Entry{}, err
	}
	if err := d.apply(ctx, installation); err != nil {
		return client.Entry{}, fmt.Errorf("deploying the ingress controller: %w", err)
	}
	entry, err := d.finish(ctx, installation)
	if err != nil {
		return client.Entry{}, err
	}
	d.setEnsured(&ensured{settings: settingsKey(settings), entry: entry})
	return entry, nil
}

// finish waits until the installation that was deployed responds, and returns where requests enter it. The caller must
// have acquired d.
func (d *Deployed) finish(ctx context.Context, installation Installation) (client.Entry, error) {
	d.setCurrent(&installation)
	pod, err := d.cluster.waitRollout(ctx, installation)
	if err != nil {
		return client.Entry{}, fmt.Errorf("deploying the ingress controller: %w", err)
	}
	entry, err := d.cluster.nodePorts(ctx, installation, pod)
	if err != nil {
		return client.Entry{}, fmt.Errorf("finding the node ports of the ingress controller: %w", err)
	}
	if err := d.cluster.waitAnswer(ctx, entry); err != nil {
		return client.Entry{}, err
	}
	if err := d.cluster.waitSettings(ctx, installation); err != nil {
		return client.Entry{}, err
	}
	return entry, d.cluster.waitAdmission(ctx, installation)
}

// installationFor renders the settings, once. The caller must have acquired d.
func (d *Deployed) installationFor(settings map[string]string) (Installation, error) {
	key := settingsKey(settings)
	if installation, ok := d.rendered[key]; ok {
		return installation, nil
	}
	installation, err := d.source.Render(settings)
	if err != nil {
		return Installation{}, fmt.Errorf("rendering the ingress controller's manifest: %w", err)
	}
	d.rendered[key] = installation
	return installation, nil
}

// settingsKey is equal for equal settings: fmt prints maps in the order of their keys.
func settingsKey(settings map[string]string) string { return fmt.Sprint(settings) }

// apply deletes the objects of the last installation that are not in this one, applies the others, and waits until they
// are ready. The caller must have acquired d.
func (d *Deployed) apply(ctx context.Context, installation Installation) error {
	manifest := copies(installation.Objects)
	obsolete := slices.DeleteFunc(slices.Clone(d.applied), func(old *unstructured.Unstructured) bool {
		return slices.ContainsFunc(manifest, func(object *unstructured.Unstructured) bool { return objects.Name(object) == objects.Name(old) })
	})
	if err := d.cluster.Objects.Delete(ctx, obsolete); err != nil {
		return err
	}
	d.applied = nil
	for _, object := range manifest {
		if err := d.cluster.Objects.CheckOwned(ctx, object, installation.Namespace); err != nil {
			return err
		}
		applied, err := d.cluster.Objects.Apply(ctx, object, installation.Namespace)
		if err != nil {
			return asUnsupported(err)
		}
		d.applied = append(d.applied, applied)
	}
	for _, object := range d.applied {
		if err := d.cluster.waitReady(ctx, object); err != nil {
			return err
		}
		if object.GetKind() == "Service" && object.GetName() == installation.Service {
			if err := d.waitSync(ctx, object.GetResourceVersion()); err != nil {
				return err
			}
		}
	}
	return nil
}

// waitSync waits until the nodes have synchronized their rules with a changed Service, whose resource version is given.
func (d *Deployed) waitSync(ctx context.Context, version string) error {
	changed := d.serviceVersion != "" && d.serviceVersion != version
	d.serviceVersion = version
	if changed {
		return sleep.For(ctx, serviceSyncDelay)
	}
	return nil
}

// copies returns objects that may be changed.
func copies(list []*unstructured.Unstructured) []*unstructured.Unstructured {
	all := make([]*unstructured.Unstructured, 0, len(list))
	for _, object := range list {
		all = append(all, object.DeepCopy())
	}
	return all
}

// asUnsupported marks the error about a node port that another Service uses: on such a cluster, scenarios that need the
// port are skipped.
func asUnsupported(err error) error {
	if apierrors.IsInvalid(err) && strings.Contains(err.Error(), "provided port is already allocated") {
		return fmt.Errorf("another Service uses a node port of the scenario: %w: %w", err, clusters.ErrUnsupported)
	}
	return err
}

// Description identifies the controller in reports.
func (d *Deployed) Description() string { return d.source.Description() }

// Version is that of the test-bed.
func (d *Deployed) Version() string { return "" }

// Installation returns what was deployed last. It is an error if nothing has been.
func (d *Deployed) Installation() (Installation, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.current == nil {
		return Installation{}, errors.New("no ingress controller has been deployed by a step of this run")
	}
	return *d.current, nil
}

// Pod returns the first ready Pod of the controller, by name.
func (d *Deployed) Pod(ctx context.Context) (corev1.Pod, error) {
	installation, err := d.Installation()
	if err != nil {
		return corev1.Pod{}, err
	}
	return d.cluster.readyPod(ctx, installation)
}

// Remove deletes what was deployed, and waits until it is gone.
func (d *Deployed) Remove(ctx context.Context) error {
	release, err := d.acquire(ctx)
	if err != nil {
		return err
	}
	defer release()
	uninstalled := d.uninstall(ctx)
	applied := d.applied
	d.applied, d.serviceVersion = nil, ""
	d.setCurrent(nil)
	d.setEnsured(nil)
	return errors.Join(uninstalled, d.cluster.Objects.Delete(ctx, applied))
}
