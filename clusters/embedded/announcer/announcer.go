//go:build linux

// Package announcer announces the addresses of load balancers on the LAN, as MetalLB's layer 2 mode does: of the nodes that
// can serve an address, one answers ARP requests for it, and another takes over when that one fails. The nodes elect it:
// it holds a Lease in the namespace kube-system that has the address in its name. kube-proxy does the rest. A node with the
// label node.kubernetes.io/exclude-from-external-load-balancers announces none.
package announcer

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"

	"github.com/ingress-testbed/testbed/internal/kubeclient"
)

// Config of a node's announcer.
type Config struct {
	// Node is the node's name, and Address its address on the LAN, to which Interface leads.
	Node      string
	Address   netip.Addr
	Interface string
	// Pool is the range of the addresses that are announced.
	Pool netip.Prefix
	// Kubeconfig of a user who may watch Services and nodes, record events, and create and update Leases in kube-system.
	Kubeconfig string
	Log        *slog.Logger
}

const (
	clientQPS   = 100
	clientBurst = 200
)

// Run announces addresses until ctx ends. It must be called in the node's network namespace, with CAP_NET_RAW.
func Run(ctx context.Context, c Config) error {
	_, client, err := kubeclient.Connect(c.Kubeconfig, kubeclient.Options{
		QPS: clientQPS, Burst: clientBurst, UserAgent: "testbed-announcer/" + c.Node,
	})
	if err != nil {
		return err
	}
	responder, connection, err := openResponder(c.Interface, c.Log)
	if err != nil {
		return err
	}
	ctx = klog.NewContext(ctx, logr.FromSlogHandler(c.Log.Handler()))
	served := make(chan struct{})
	go func() {
		defer close(served)
		responder.serve(ctx)
	}()
	context.AfterFunc(ctx, func() { connection.Close() }) //nolint:errcheck // ends the read that is under way
	broadcaster := record.NewBroadcaster(record.WithContext(ctx))
	defer broadcaster.Shutdown()
	broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: client.CoreV1().Events("")})

	err = watch(ctx, client, c.Pool, candidacy{
		node: c.Node, healthy: httpHealth(c.Address), leases: client.CoordinationV1(), announce: responder.announce,
		events: broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "announcer", Host: c.Node}), log: c.Log,
	})
	<-served
	return err
}

// watch keeps a candidacy like the given one for each address while its node is not excluded, until ctx ends.
func watch(ctx context.Context, client kubernetes.Interface, pool netip.Prefix, like candidacy) error {
	changed := make(chan struct{}, 1)
	signal := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	onChange := cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { signal() }, UpdateFunc: func(any, any) { signal() }, DeleteFunc: func(any) { signal() },
	}
	everything := informers.NewSharedInformerFactory(client, 0)
	ownNode := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTweakListOptions(func(o *metav1.ListOptions) {
		o.FieldSelector = fields.OneTermEqualSelector(metav1.ObjectNameField, like.node).String()
	}))
	services, nodes := everything.Core().V1().Services(), ownNode.Core().V1().Nodes()
	if _, err := services.Informer().AddEventHandler(onChange); err != nil {
		return fmt.Errorf("watching Services: %w", err)
	}
	if _, err := nodes.Informer().AddEventHandler(onChange); err != nil {
		return fmt.Errorf("watching node %s: %w", like.node, err)
	}
	running := newCandidacies(like)
	defer running.wait()
	for _, factory := range []informers.SharedInformerFactory{everything, ownNode} {
		factory.Start(ctx.Done())
		defer factory.Shutdown()
	}
	if !cache.WaitForCacheSync(ctx.Done(), services.Informer().HasSynced, nodes.Informer().HasSynced) {
		return ctx.Err()
	}
	for {
		all, err := services.Lister().List(labels.Everything())
		if err != nil {
			return fmt.Errorf("listing Services: %w", err)
		}
		node, err := nodes.Lister().Get(like.node)
		switch {
		case apierrors.IsNotFound(err) || err == nil && excluded(node):
			running.set(ctx, nil)
		case err != nil:
			return fmt.Errorf("reading node %s: %w", like.node, err)
		default:
			running.set(ctx, assignments(all, pool))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// excluded reports whether a node must not get traffic from load balancers. Any value of the label excludes it, "false" too
// (Kubernetes documentation, "Well-Known Labels, Annotations and Taints").
func excluded(node *corev1.Node) bool {
	_, found := node.Labels[corev1.LabelNodeExcludeBalancers]
	return found
}
