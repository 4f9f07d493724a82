package app

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

// connect makes a client of the cluster that the settings name.
func connect(o Options) (kubernetes.Interface, error) {
	var settings *rest.Config
	var err error
	if o.Kubeconfig == "" && o.APIServer == "" {
		settings, err = rest.InClusterConfig()
		if err != nil {
			return nil, fmt.Errorf("finding the cluster: %w: outside of a Pod, give --kubeconfig", err)
		}
	} else if settings, err = clientcmd.BuildConfigFromFlags(o.APIServer, o.Kubeconfig); err != nil {
		return nil, fmt.Errorf("reading --kubeconfig %q: %w", o.Kubeconfig, err)
	}
	settings.UserAgent = "ingress-controller/" + o.Version
	settings.DisableCompression = true     // as Kubernetes' own controllers: inside a cluster, CPU time is dearer than bytes
	settings.QPS, settings.Burst = 50, 100 // statuses of many Ingresses are written at once
	settings.Wrap(func(next http.RoundTripper) http.RoundTripper { return outages{next, clock.RealClock{}} })
	client, err := kubernetes.NewForConfig(settings)
	if err != nil {
		return nil, fmt.Errorf("making a client for %s: %w", settings.Host, err)
	}
	return client, nil
}

// reach waits until the API server answers: at a node's start, it may come up after its Pods.
func reach(ctx context.Context, client kubernetes.Interface, within time.Duration, clk clock.Clock) error {
	deadline := clk.After(within)
	for {
		version, err := client.Discovery().ServerVersion()
		if err == nil {
			klog.InfoS("Connected to the API server", "version", version.GitVersion)
			return nil
		}
		klog.V(2).InfoS("The API server does not answer yet", "err", err)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-deadline:
			return fmt.Errorf("the API server did not answer for %s: %w", within, err)
		case <-clk.After(pollEvery):
		}
	}
}

const pollEvery = 500 * time.Millisecond
