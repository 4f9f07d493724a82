package steps

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/steps/client"
	"github.com/ingress-testbed/testbed/steps/objects"
)

// serviceSettles is how long a changed Service may take to reach the nodes' rules. kube-proxy tells nobody when it
// has taken a change up; it collects changes for a second at most (--iptables-min-sync-period and its like).
const serviceSettles = 1500 * time.Millisecond

// Deployer deploys the ingress controller of a run. There is one at a time, because node ports, IngressClass and
// cluster roles are the cluster's.
type Deployer struct {
	Objects *objects.API
	Render  Render

	mu       sync.Mutex
	rendered map[string]Controller // by settings: certificates and the like are made once
	current  *Controller
	applied  []*unstructured.Unstructured
	// serviceVersion is the resource version of the Service as last applied.
	serviceVersion string
}

// Ensure deploys the controller with the settings, or brings the one that is deployed back to them, and waits until
// it answers. It returns where requests enter.
func (d *Deployer) Ensure(ctx context.Context, environment *Environment, settings map[string]string) (client.Entry, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	controller, err := d.render(settings)
	if err != nil {
		return client.Entry{}, err
	}
	if err := d.apply(ctx, environment, controller); err != nil {
		return client.Entry{}, fmt.Errorf("deploying the ingress controller: %w", err)
	}
	d.current = &controller
	pod, err := d.onlyNewPods(ctx, controller)
	if err != nil {
		return client.Entry{}, fmt.Errorf("deploying the ingress controller: %w", err)
	}
	entry, err := d.entry(ctx, environment, controller, pod)
	if err != nil {
		return client.Entry{}, fmt.Errorf("finding the way to the ingress controller: %w", err)
	}
	return entry, environment.waitAnswer(ctx, entry)
}

func (d *Deployer) render(settings map[string]string) (Controller, error) {
	key := fmt.Sprint(settings) // maps are printed in the order of their keys
	if controller, ok := d.rendered[key]; ok {
		return controller, nil
	}
	controller, err := d.Render(settings)
	if err != nil {
		return Controller{}, fmt.Errorf("making the ingress controller's manifest: %w", err)
	}
	if d.rendered == nil {
		d.rendered = map[string]Controller{}
	}
	d.rendered[key] = controller
	return controller, nil
}

func (d *Deployer) apply(ctx context.Context, environment *Environment, controller Controller) error {
	wanted, err := objects.Decode(controller.Manifest)
	if err != nil {
		return err
	}
	obsolete := slices.DeleteFunc(slices.Clone(d.applied), func(old *unstructured.Unstructured) bool {
		return slices.ContainsFunc(wanted, func(object *unstructured.Unstructured) bool { return objects.Name(object) == objects.Name(old) })
	})
	if err := d.Objects.Delete(ctx, obsolete); err != nil {
		return err
	}
	d.applied = nil
	for _, object := range wanted {
		if err := d.Objects.CheckOurs(ctx, object, controller.Namespace); err != nil {
			return err
		}
		applied, err := d.Objects.Apply(ctx, object, controller.Namespace)
		if err != nil {
			return unlessTaken(err)
		}
		d.applied = append(d.applied, applied)
	}
	for _, object := range d.applied {
		if err := environment.waitReady(ctx, object); err != nil {
			return err
		}
		if object.GetKind() != "Service" || object.GetName() != controller.Service {
			continue
		}
		if d.serviceVersion != "" && d.serviceVersion != object.GetResourceVersion() {
			if err := pause(ctx, serviceSettles); err != nil {
				return err
			}
		}
		d.serviceVersion = object.GetResourceVersion()
	}
	return nil
}

// unlessTaken tells a node port that another Service has from a fault: such a cluster can't show what needs that port.
func unlessTaken(err error) error {
	if apierrors.IsInvalid(err) && strings.Contains(err.Error(), "provided port is already allocated") {
		return fmt.Errorf("another Service has a node port that is asked for: %w: %w", err, clusters.ErrUnsupported)
	}
	return err
}

// onlyNewPods waits until the Pods of an earlier deployment are gone and returns one that is there.
func (d *Deployer) onlyNewPods(ctx context.Context, controller Controller) (corev1.Pod, error) {
	var pod corev1.Pod
	err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, readyTimeout, true, func(ctx context.Context) (bool, error) {
		all, err := d.Objects.Pods(ctx, controller.Namespace, controller.Selector)
		if err != nil {
			return false, err
		}
		ready, err := d.Objects.ReadyPods(ctx, controller.Namespace, controller.Selector)
		if errors.Is(err, objects.ErrNoPod) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		pod = ready[0]
		return len(ready) == len(all), nil
	})
	if err != nil {
		return corev1.Pod{}, fmt.Errorf("waiting until the Pods of an earlier deployment are gone: %w", err)
	}
	return pod, nil
}

// entry is the controller's node ports at the node of its Pod, which answers whatever the Service's traffic policy is.
func (d *Deployer) entry(ctx context.Context, environment *Environment, controller Controller, pod corev1.Pod) (client.Entry, error) {
	service, err := d.Objects.Clientset.CoreV1().Services(controller.Namespace).Get(ctx, controller.Service, metav1.GetOptions{})
	if err != nil {
		return client.Entry{}, fmt.Errorf("reading its Service: %w", err)
	}
	node, err := environment.node(ctx, pod.Spec.NodeName)
	if err != nil {
		return client.Entry{}, err
	}
	port := func(name string) (netip.AddrPort, error) {
		for _, port := range service.Spec.Ports {
			if port.Name == name && port.NodePort > 0 && port.NodePort <= 65535 {
				return netip.AddrPortFrom(node.ExternalIP, uint16(port.NodePort)), nil
			}
		}
		return netip.AddrPort{}, fmt.Errorf("the Service %s/%s has no node port named %s", service.Namespace, service.Name, name)
	}
	var entry client.Entry
	var httpErr, httpsErr error
	entry.HTTP, httpErr = port("http")
	entry.HTTPS, httpsErr = port("https")
	return entry, errors.Join(httpErr, httpsErr)
}

// Check looks whether the controller's names are free, before anything is made: what has them and was not made by the
// test-bed would be changed and, at the end, removed.
func (d *Deployer) Check(ctx context.Context) error {
	controller, err := d.render(nil)
	if err != nil {
		return err
	}
	wanted, err := objects.Decode(controller.Manifest)
	if err != nil {
		return err
	}
	for _, object := range wanted {
		if err := d.Objects.CheckOurs(ctx, object, controller.Namespace); err != nil {
			return fmt.Errorf("the ingress controller can't be deployed: %w; run as a guest, which takes other names "+
				"(--cluster kubeconfig), or judge the controller that is there (--ingress-class and --controller-service)", err)
		}
	}
	return nil
}

// Description is for reports.
func (d *Deployer) Description() string { return "the test-bed's own" }

// Current is the controller that was deployed last.
func (d *Deployer) Current() (Controller, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.current == nil {
		return Controller{}, errors.New("no ingress controller has been deployed by a step of this run")
	}
	return *d.current, nil
}

// Pod is the ready Pod of the controller, or the first of several by name.
func (d *Deployer) Pod(ctx context.Context) (corev1.Pod, error) {
	controller, err := d.Current()
	if err != nil {
		return corev1.Pod{}, err
	}
	pods, err := d.Objects.ReadyPods(ctx, controller.Namespace, controller.Selector)
	if err != nil {
		return corev1.Pod{}, fmt.Errorf("finding the ingress controller's Pod: %w", err)
	}
	return pods[0], nil
}

// release gives up what was deployed, for somebody else to remove.
func (d *Deployer) release() []*unstructured.Unstructured {
	d.mu.Lock()
	defer d.mu.Unlock()
	applied := d.applied
	d.applied, d.current, d.serviceVersion = nil, nil, ""
	return applied
}

func pause(ctx context.Context, duration time.Duration) error {
	select {
	case <-time.After(duration):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// unknownSetting is the error for settings that a Render doesn't know.
func unknownSetting(unknown string, known []string) error {
	slices.Sort(known)
	return fmt.Errorf("the ingress controller has no setting %q; it has: %s", unknown, strings.Join(known, ", "))
}
