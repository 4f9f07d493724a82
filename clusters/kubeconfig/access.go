package kubeconfig

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// responseTimeout bounds the API server's first response.
const responseTimeout = 15 * time.Second

// access is a context of a kubeconfig, with clients for it.
type access struct {
	context   string
	rest      *rest.Config
	clientset kubernetes.Interface
	// minimal has this context only, with the contents of the files that it refers to.
	minimal api.Config
}

// open reads the kubeconfig and requests the API server's version.
func (c Config) open(ctx context.Context) (*access, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = c.Kubeconfig
	all, err := rules.Load()
	if err != nil {
		return nil, fmt.Errorf("the kubeconfig can't be read: choose another with KUBECONFIG or --kubeconfig: %w", err)
	}
	name := all.CurrentContext
	if c.Context != "" {
		name = c.Context
	}
	known := slices.Sorted(maps.Keys(all.Contexts))
	switch {
	case len(known) == 0:
		return nil, fmt.Errorf("no kubeconfig was found in %s: set KUBECONFIG or give --kubeconfig", strings.Join(rules.GetLoadingPrecedence(), ", "))
	case name == "":
		return nil, fmt.Errorf("the kubeconfig has no current context: choose one with --context; there are %s", strings.Join(known, ", "))
	case all.Contexts[name] == nil:
		return nil, fmt.Errorf("the kubeconfig has no context %q; there are %s", name, strings.Join(known, ", "))
	}
	minimal := all.DeepCopy()
	minimal.CurrentContext = name
	if err := errors.Join(api.MinifyConfig(minimal), api.FlattenConfig(minimal)); err != nil {
		return nil, fmt.Errorf("reading context %q of the kubeconfig: %w", name, err)
	}
	config, err := clientcmd.NewDefaultClientConfig(*minimal, nil).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("reading context %q of the kubeconfig: %w", name, err)
	}
	config.QPS, config.Burst = 100, 200
	config.Timeout = 30 * time.Second
	config.UserAgent = "ingress-testbed"
	clientset, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("creating a Kubernetes client: %w", err)
	}
	opened := &access{context: name, rest: config, clientset: clientset, minimal: *minimal}
	return opened, opened.ping(ctx)
}

// ping checks that the API server responds.
func (a *access) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, responseTimeout)
	defer cancel()
	if err := a.clientset.Discovery().RESTClient().Get().AbsPath("/version").Do(ctx).Error(); err != nil {
		return fmt.Errorf("the cluster of context %q doesn't respond at %s: check that it runs, or choose another with --context: %w",
			a.context, a.rest.Host, err)
	}
	return nil
}

// writePrivate writes a kubeconfig for this run, with the namespace as default.
func (a *access) writePrivate(dir, namespace string) (string, error) {
	own := a.minimal.DeepCopy()
	own.Contexts[own.CurrentContext].Namespace = namespace
	path := filepath.Join(dir, "kubeconfig")
	raw, err := clientcmd.Write(*own)
	if err == nil {
		err = os.WriteFile(path, raw, 0o600)
	}
	if err != nil {
		return "", fmt.Errorf("writing the run's kubeconfig: %w", err)
	}
	return path, nil
}
