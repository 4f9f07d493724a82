//go:build linux

package agent

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/apiobjects"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/imagepull"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/kubeletapi"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/lifecycle"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/sandbox"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/volume"
	"github.com/ingress-testbed/testbed/clusters/embedded/container"
	"github.com/ingress-testbed/testbed/clusters/embedded/image"
	"github.com/ingress-testbed/testbed/internal/kubeclient"
)

const (
	// Each node has its own connection to an API server on the same machine, which limits clients by itself.
	clientQPS   = 500
	clientBurst = 1000
)

// Run runs the node agent until ctx ends. Then its Pods end too, without a grace period and without their objects being
// deleted. It must be called in the node's network namespace, with the rights to make namespaces and mounts, and with the API
// server reachable or about to be. A Pod's containers are processes of the calling program: see package container.
func Run(ctx context.Context, config Config) error {
	c, err := config.withDefaults()
	if err != nil {
		return err
	}
	if err := run(ctx, c); err != nil && ctx.Err() == nil {
		return fmt.Errorf("node agent %s: %w", c.NodeName, err)
	}
	return nil
}

func run(ctx context.Context, c Config) error {
	client, err := newClient(c)
	if err != nil {
		return err
	}
	images, err := image.Open(c.ImageDir)
	if err != nil {
		return err
	}
	launcher := container.NewLauncher(c.ContainerInit)
	defer launcher.Close()
	network := sandbox.NewNetwork(c.CNIConfDir, c.CNIBinDir, c.CNICacheDir)
	sandboxes := sandbox.NewMaker(network, sandboxDir(c.StateDir), c.Logger)

	if err := errors.Join(sandboxes.CleanUp(ctx), volume.CleanUp(podDir(c.StateDir))); err != nil {
		return fmt.Errorf("cleaning up after an earlier run: %w", err)
	}

	broadcaster := record.NewBroadcaster(record.WithContext(ctx))
	defer broadcaster.Shutdown()
	broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: client.CoreV1().Events("")})
	events := broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "kubelet", Host: c.NodeName})

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ownPods := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTweakListOptions(func(o *metav1.ListOptions) {
		o.FieldSelector = fields.OneTermEqualSelector("spec.nodeName", c.NodeName).String()
	}))
	shared := informers.NewSharedInformerFactory(client, 0)
	services := shared.Core().V1().Services()
	ownNode := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTweakListOptions(func(o *metav1.ListOptions) {
		o.FieldSelector = fields.OneTermEqualSelector(metav1.ObjectNameField, c.NodeName).String()
	}))
	nodes := ownNode.Core().V1().Nodes()
	nodeLister, nodeSynced := nodes.Lister(), nodes.Informer().HasSynced
	registered := newNode(c)

	p := newPods(ctx, client, ownPods.Core().V1().Pods().Lister(), c.Logger)
	objects := apiobjects.NewWatcher(client, p.objectChanged)
	p.node = &lifecycle.Node{
		Name: c.NodeName, HostIPs: []netip.Addr{c.InternalIP}, Allocatable: capacity(),
		DNS:    lifecycle.DNS{Server: c.ClusterDNS, Domain: c.ClusterDomain, NodeFile: "/etc/resolv.conf"},
		PodDir: podDir(c.StateDir), LogDir: c.LogDir, LogLimits: c.LogLimits,
		Launcher: launcher, Sandboxes: sandboxes,
		Images:  imagepull.Node{Store: images, Remote: c.Registries, LoadCommand: c.LoadCommand},
		Objects: objects, Services: services.Lister(),
		Client: client, Events: events, Log: c.Logger,
	}
	p.nodeObject = func() *corev1.Node {
		if node, err := nodeLister.Get(c.NodeName); err == nil {
			return node
		}
		return registered // the informer is about to have it
	}
	if _, err := ownPods.Core().V1().Pods().Informer().AddEventHandler(p.handler()); err != nil {
		return fmt.Errorf("watching Pods: %w", err)
	}
	api, err := kubeletapi.New(kubeletapi.Config{
		NodeName: c.NodeName, Address: netip.AddrPortFrom(c.InternalIP, kubeletPort),
		Cert: c.ServingCert, Key: c.ServingKey, ClientCA: c.ClientCA, Client: client,
		Pods: p, LogDir: c.LogDir, Started: metav1.Now(), Settings: c.settings(), Logger: c.Logger,
	})
	if err != nil {
		return err
	}

	if err := waitForAPI(ctx, client); err != nil {
		return err
	}
	registration := &registration{client: client, node: registered, network: network.Ready, log: c.Logger}
	group, groupCtx := errgroup.WithContext(ctx)
	context.AfterFunc(groupCtx, cancel) // one that fails ends all, Pods too
	group.Go(func() error { return api.Serve(groupCtx) })
	group.Go(func() error { return registration.run(groupCtx) })
	shared.Start(ctx.Done())
	ownNode.Start(ctx.Done())
	group.Go(func() error {
		// The Services have to be known before the first Pod starts, whose environment lists them, and so does the Node, whose
		// labels it may select.
		if !cache.WaitForCacheSync(groupCtx.Done(), services.Informer().HasSynced, nodeSynced) {
			return groupCtx.Err()
		}
		ownPods.Start(ctx.Done())
		return nil
	})
	err = group.Wait()
	cancel()
	ownPods.Shutdown() // no Pod is started after that
	p.wait()
	shared.Shutdown()
	ownNode.Shutdown()
	objects.Shutdown()
	return err
}

func newClient(c Config) (kubernetes.Interface, error) {
	_, client, err := kubeclient.Connect(c.Kubeconfig, kubeclient.Options{
		QPS: clientQPS, Burst: clientBurst, UserAgent: "testbed-node/" + c.NodeName,
	})
	if err != nil {
		return nil, err
	}
	return client, nil
}

// waitForAPI waits until the API server is ready and has its default roles, without which a node has no permissions.
func waitForAPI(ctx context.Context, client kubernetes.Interface) error {
	const interval = 100 * time.Millisecond
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		attempt, cancel := context.WithTimeout(ctx, 20*interval)
		err := client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(attempt).Error()
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the API server: %w", err)
		case <-ticker.C:
		}
	}
}
