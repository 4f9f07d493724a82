package world

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	messages "github.com/cucumber/messages/go/v21"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/ingress-testbed/testbed/steps/client"
	"github.com/ingress-testbed/testbed/steps/objects"
)

// WalkthroughTag marks a feature whose scenarios build on each other. They share one namespace, and what one applies is
// there for the next, until the last selected scenario of the file has run.
const WalkthroughTag = "@walkthrough"

// ArticleTag marks a walkthrough that replays an article to the letter: in the namespace "default", and with the names and node ports
// that the article gives the ingress controller, of which there is one. The scenarios of another walkthrough have a new namespace
// for all of them.
const ArticleTag = "@article"

// SerialTag marks a scenario that changes or measures what all others use, such as a node, so that no other scenario may run beside
// it. Scenarios with steps that use the cluster don't need it (vocabulary.Cluster).
const SerialTag = "@serial"

// OwnControllerTag marks a scenario that affects all requests to the ingress controller, so that no other may use the same one
// meanwhile.
const OwnControllerTag = "@own-controller"

// ProtectionTag marks a scenario about what keeps clients out: if it expects that a request is not served, in whatever way,
// and the request is served, protection is lost.
const ProtectionTag = "@protection"

// deleteTimeout bounds the deletion of a scenario's objects.
const deleteTimeout = 90 * time.Second

// Namespace is the namespace of a scenario's objects: a new one, or that of its walkthrough.
type Namespace struct {
	Name string
	// Domain of host names that no other scenario uses.
	Domain string
	// Resolver of the client outside.
	Resolver *client.Resolver

	api *objects.API
	own bool // made for the scenario or its walkthrough

	mu        sync.Mutex
	remaining int // scenarios that have not ended
	applied   []*unstructured.Unstructured
}

// Apply applies an object, which is deleted when the scenario or its walkthrough ends. An object that was not
// created by the test-bed is left unchanged, with an error that wraps objects.ErrForeign. In a namespace of the run's own all
// objects may be changed without looking: those that exist were created by Kubernetes.
func (n *Namespace) Apply(ctx context.Context, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	if err := n.api.Place(object, n.Name); err != nil {
		return nil, err
	}
	if !n.own || object.GetNamespace() != n.Name {
		if err := n.api.CheckOwned(ctx, object, n.Name); err != nil {
			return nil, err
		}
	}
	applied, err := n.apply(ctx, object)
	if err != nil {
		return nil, err
	}
	n.remember(applied)
	return applied, nil
}

// webhookTimeout is long enough for a controller that is replaced.
const webhookTimeout = 15 * time.Second

// apply applies an object. Before a scenario has its ingress controller, another one may just be giving that other settings, so that
// its webhook is out of reach for a moment.
func (n *Namespace) apply(ctx context.Context, object *unstructured.Unstructured) (applied *unstructured.Unstructured, err error) {
	ended := wait.PollUntilContextTimeout(ctx, retryInterval, webhookTimeout, true, func(ctx context.Context) (bool, error) {
		applied, err = n.api.Apply(ctx, object, n.Name)
		return !objects.WebhookUnreachable(err), nil
	})
	return applied, cmp.Or(err, ended)
}

// remember records an object for deletion, unless it is recorded already.
func (n *Namespace) remember(object *unstructured.Unstructured) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i, known := range n.applied {
		if known.GetUID() == object.GetUID() && known.GetUID() != "" {
			n.applied[i] = object
			return
		}
	}
	n.applied = append(n.applied, object)
}

// Applied returns the object of that kind and name as it was last applied.
func (n *Namespace) Applied(kind, name string) (*unstructured.Unstructured, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	i := slices.IndexFunc(n.applied, func(object *unstructured.Unstructured) bool {
		return object.GetKind() == kind && object.GetName() == name
	})
	if i < 0 {
		return nil, false
	}
	return n.applied[i], true
}

// Delete deletes an object that was applied, and waits until it is gone.
func (n *Namespace) Delete(ctx context.Context, kind, name string) error {
	object, found := n.Applied(kind, name)
	if !found {
		return fmt.Errorf("the scenario has applied no %s %q", kind, name)
	}
	ctx, cancel := context.WithTimeout(ctx, deleteTimeout)
	defer cancel()
	if err := n.api.Delete(ctx, []*unstructured.Unstructured{object}); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.applied = slices.DeleteFunc(n.applied, func(known *unstructured.Unstructured) bool { return known == object })
	return nil
}

func (n *Namespace) objects() []*unstructured.Unstructured {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.applied)
}

// Namespaces creates and deletes the namespaces of a run's scenarios. Its methods may be called from several goroutines.
type Namespaces struct {
	api        *objects.API
	config     NamespacesConfig
	clusterIPs *clusterIPs

	mu           sync.Mutex
	walkthroughs map[string]*Namespace        // by URI
	deleting     []*unstructured.Unstructured // not known to be gone
	left         []*unstructured.Unstructured // of deleting, could not be deleted
}

// NamespacesConfig is what the namespaces of a run depend on.
type NamespacesConfig struct {
	// Article is the namespace of walkthroughs that replay an article: "default" if empty.
	Article string
	// ScenariosIn counts the selected scenarios of each feature file, by URI.
	ScenariosIn map[string]int
	// Disposable is set if the cluster ends with the run. Scenarios then delete what could disturb others, and nothing else, since the
	// API server has the largest share of a run's CPU time. In a namespace that is deleted, it looks for objects of each kind.
	Disposable bool
}

// NewNamespaces returns the namespaces of a run.
func NewNamespaces(api *objects.API, config NamespacesConfig) *Namespaces {
	config.Article = cmp.Or(config.Article, "default")
	return &Namespaces{
		api: api, config: config, clusterIPs: &clusterIPs{client: api.Workloads.Clientset}, walkthroughs: map[string]*Namespace{},
	}
}

// Enter creates the namespace of a scenario, or returns that of its walkthrough.
func (n *Namespaces) Enter(ctx context.Context, pickle *messages.Pickle) (*Namespace, error) {
	if !Walkthrough(pickle) {
		return n.create(ctx, "scenario-")
	}
	n.mu.Lock()
	known := n.walkthroughs[pickle.Uri]
	n.mu.Unlock()
	if known != nil {
		return known, nil
	}
	entered := n.namespace(n.config.Article)
	if !Article(pickle) {
		var err error
		if entered, err = n.create(ctx, "walkthrough-"); err != nil {
			return nil, err
		}
	}
	entered.remaining = n.config.ScenariosIn[pickle.Uri]
	n.mu.Lock()
	defer n.mu.Unlock()
	n.walkthroughs[pickle.Uri] = entered // scenarios of a walkthrough enter one after the other
	return entered, nil
}

// create creates a namespace with a new name.
func (n *Namespaces) create(ctx context.Context, prefix string) (*Namespace, error) {
	name := prefix + strings.ToLower(rand.Text()[:8])
	applied, err := n.api.Apply(ctx, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name},
	}}, "")
	if err != nil {
		return nil, fmt.Errorf("creating the scenario's namespace: %w", err)
	}
	created := n.namespace(name)
	created.own, created.remaining = true, 1
	created.remember(applied)
	return created, nil
}

func (n *Namespaces) namespace(name string) *Namespace {
	return &Namespace{Name: name, Domain: name + ".test", Resolver: &client.Resolver{}, api: n.api}
}

// Serial reports whether a scenario has the tag SerialTag.
func Serial(pickle *messages.Pickle) bool { return tagged(pickle, SerialTag) }

// Walkthrough reports whether a scenario is part of a walkthrough.
func Walkthrough(pickle *messages.Pickle) bool { return tagged(pickle, WalkthroughTag) }

// Article reports whether a scenario has the tag ArticleTag.
func Article(pickle *messages.Pickle) bool { return tagged(pickle, ArticleTag) }

// OwnController reports whether a scenario has the tag OwnControllerTag.
func OwnController(pickle *messages.Pickle) bool { return tagged(pickle, OwnControllerTag) }

// Protects reports whether a scenario has the tag ProtectionTag.
func Protects(pickle *messages.Pickle) bool { return tagged(pickle, ProtectionTag) }

func tagged(pickle *messages.Pickle, name string) bool {
	return slices.ContainsFunc(pickle.Tags, func(tag *messages.PickleTag) bool { return tag.Name == name })
}

// Leave ends a scenario and deletes what it applied, unless other scenarios of its walkthrough follow. It does so also
// if ctx has ended.
func (n *Namespaces) Leave(ctx context.Context, scenario *Scenario) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deleteTimeout)
	defer cancel()
	left := scenario.Namespace
	left.mu.Lock()
	left.remaining--
	last := left.remaining <= 0
	left.mu.Unlock()
	if !last {
		return nil
	}
	n.mu.Lock()
	delete(n.walkthroughs, scenario.URI)
	n.mu.Unlock()
	applied := left.objects()
	if !left.own {
		return n.api.Delete(ctx, applied)
	}
	var inside, outside []*unstructured.Unstructured
	for _, object := range applied {
		switch {
		case !left.contains(object):
			outside = append(outside, object)
		case !n.config.Disposable || !n.harmless(ctx, object):
			inside = append(inside, object)
		}
	}
	err := errors.Join(n.api.Discard(ctx, inside), n.api.StartDelete(ctx, outside))
	applied = slices.Concat(inside, outside)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.deleting = append(n.deleting, applied...)
	if err != nil {
		n.left = append(n.left, applied...)
	}
	return err
}

// contains reports whether an object is in the namespace, or the namespace itself.
func (n *Namespace) contains(object *unstructured.Unstructured) bool {
	return object.GetNamespace() == n.Name || object.GetKind() == "Namespace" && object.GetName() == n.Name
}

// harmless reports whether an object of a scenario's own namespace may stay when the scenario has ended, on a cluster that ends with the run. A Service that stays
// keeps its cluster IP. Nodes forward to an IP's former endpoints for a moment when another Service has got it.
func (n *Namespaces) harmless(ctx context.Context, object *unstructured.Unstructured) bool {
	switch object.GetKind() {
	case "Namespace", "ConfigMap", "Secret", "EndpointSlice":
		return true
	case "Service":
		kind, _, _ := unstructured.NestedString(object.Object, "spec", "type")
		return kind == "ClusterIP" && n.clusterIPs.take(ctx)
	default:
		return false
	}
}

// StartDelete starts to delete what interrupted walkthroughs have left, and what could not be deleted before. WaitGone waits for it.
func (n *Namespaces) StartDelete(ctx context.Context) error {
	n.mu.Lock()
	var left []*unstructured.Unstructured
	for _, walkthrough := range n.walkthroughs {
		left = append(left, walkthrough.objects()...)
	}
	n.walkthroughs = map[string]*Namespace{}
	n.deleting = append(n.deleting, left...)
	left, n.left = append(left, n.left...), nil
	n.mu.Unlock()
	return n.api.StartDelete(ctx, left)
}

// WaitGone waits until everything that the scenarios applied is gone.
func (n *Namespaces) WaitGone(ctx context.Context) error {
	n.mu.Lock()
	deleting := n.deleting
	n.deleting = nil
	n.mu.Unlock()
	return n.api.WaitGone(ctx, deleting)
}
