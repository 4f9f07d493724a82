package agent

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	vklog "github.com/virtual-kubelet/virtual-kubelet/log"
	vknode "github.com/virtual-kubelet/virtual-kubelet/node"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/apiobjects"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/kubeletapi"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/lifecycle"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/sandbox"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/volume"
	"github.com/ingress-testbed/testbed/clusters/embedded/container"
	"github.com/ingress-testbed/testbed/clusters/embedded/image"
)

const (
	// podWorkers is how many Pods virtual-kubelet looks at at the same time. The work itself is done elsewhere.
	podWorkers = 8
	// Each node has its own connection to an API server on the same machine, which limits clients by itself.
	clientQPS   = 500
	clientBurst = 1000
)

// Run is a node until ctx ends; then it ends its Pods, without a grace period and without deleting their objects. It
// must be called in the node's network namespace, with the rights to make namespaces and mounts, and with the API
// server reachable or about to be. A Pod's containers are processes of the calling program: see package container.
func Run(ctx context.Context, config Config) error {
	c, err := config.withDefaults()
	if err != nil {
		return err
	}
	if err := run(vklog.WithLogger(ctx, vkLogger{c.Logger}), c); err != nil && ctx.Err() == nil {
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

	ownPods := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTweakListOptions(func(o *metav1.ListOptions) {
		o.FieldSelector = fields.OneTermEqualSelector("spec.nodeName", c.NodeName).String()
	}))
	shared := informers.NewSharedInformerFactory(client, 0)
	services := shared.Core().V1().Services()
	pods := ownPods.Core().V1().Pods()

	p := newProvider(client, pods.Lister(), c.Logger)
	p.node = &lifecycle.Node{
		Name: c.NodeName, HostIPs: []netip.Addr{c.InternalIP}, Allocatable: capacity(),
		DNS:    lifecycle.DNS{Server: c.ClusterDNS, Domain: c.ClusterDomain, NodeFile: "/etc/resolv.conf"},
		PodDir: podDir(c.StateDir), LogDir: c.LogDir, LogLimits: c.LogLimits,
		Launcher: launcher, Images: images, Sandboxes: sandboxes,
		Objects: apiobjects.NewWatcher(client, p.objectChanged), Services: services.Lister(),
		Client: client, Events: events, Log: c.Logger,
	}
	p.ctx = ctx
	if _, err := pods.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{UpdateFunc: p.podUpdated, DeleteFunc: p.podDeleted}); err != nil {
		return err
	}
	podController, err := newPodController(client, p, ownPods, events)
	if err != nil {
		return err
	}
	node := newNode(c)
	status := &nodeStatus{node: node, network: network}
	nodeController, err := vknode.NewNodeController(status, status.withConditions(network.Ready()), client.CoreV1().Nodes(),
		vknode.WithNodeEnableLeaseV1(client.CoordinationV1().Leases(corev1.NamespaceNodeLease), vknode.DefaultLeaseDuration))
	if err != nil {
		return err
	}
	api, err := kubeletapi.New(kubeletapi.Config{
		Address: netip.AddrPortFrom(c.InternalIP, kubeletPort), Cert: c.ServingCert, Key: c.ServingKey, ClientCA: c.ClientCA,
		Pods: p, Logger: c.Logger,
	})
	if err != nil {
		return err
	}

	if err := waitForAPI(ctx, client); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	p.ctx = ctx
	group.Go(func() error { return api.Serve(ctx) })
	shared.Start(ctx.Done())
	ownPods.Start(ctx.Done())
	group.Go(func() error { return nodeController.Run(ctx) })
	group.Go(func() error {
		// Pods find Services in their environment, so these have to be known before the first Pod starts.
		if !cache.WaitForCacheSync(ctx.Done(), services.Informer().HasSynced) {
			return ctx.Err()
		}
		return podController.Run(ctx, podWorkers)
	})
	err = group.Wait()
	p.endAll()
	shared.Shutdown()
	ownPods.Shutdown()
	return err
}

func newClient(c Config) (kubernetes.Interface, error) {
	config, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("reading kubeconfig: %w", err)
	}
	config.QPS, config.Burst = clientQPS, clientBurst
	config.UserAgent = "testbed-node/" + c.NodeName
	// Protobuf is what the kubelet speaks, too: it costs both sides far less than JSON.
	config.ContentType, config.AcceptContentTypes = "application/vnd.kubernetes.protobuf", "application/vnd.kubernetes.protobuf,application/json"
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("using kubeconfig %s: %w", c.Kubeconfig, err)
	}
	return client, nil
}

// waitForAPI waits until the API server answers and knows its default roles, without which a node may do nothing.
func waitForAPI(ctx context.Context, client kubernetes.Interface) error {
	const every = 100 * time.Millisecond
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		attempt, cancel := context.WithTimeout(ctx, 20*every)
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

// newPodController wires virtual-kubelet up. Its queues delay each key by a limiter that counts every change as if it
// were a failure, and all keys together to ten a second: fine for a cloud's API, far too slow for Pods that start in
// milliseconds. Its informers for ConfigMaps, Secrets and Services are never started, since they would read all of the
// cluster's; environments are resolved elsewhere.
func newPodController(client kubernetes.Interface, p *provider, ownPods informers.SharedInformerFactory, events record.EventRecorder) (*vknode.PodController, error) {
	unused := informers.NewSharedInformerFactory(client, 0).Core().V1()
	limiter := func() workqueue.TypedRateLimiter[any] {
		return workqueue.NewTypedItemExponentialFailureRateLimiter[any](time.Millisecond, 5*time.Second)
	}
	return vknode.NewPodController(vknode.PodControllerConfig{
		PodClient: podClient{client.CoreV1(), p}, PodInformer: ownPods.Core().V1().Pods(),
		EventRecorder: quietRecorder{events}, Provider: p,
		ConfigMapInformer: unused.ConfigMaps(), SecretInformer: unused.Secrets(), ServiceInformer: unused.Services(),
		SyncPodsFromKubernetesRateLimiter: limiter(), DeletePodsFromKubernetesRateLimiter: limiter(),
		SyncPodStatusFromProviderRateLimiter: limiter(), SkipDownwardAPIResolution: true,
	})
}
