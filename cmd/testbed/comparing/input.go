package comparing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ingress-testbed/testbed/steps/compare"
	"github.com/ingress-testbed/testbed/steps/compare/estate"
	"github.com/ingress-testbed/testbed/steps/compare/live"
	"github.com/ingress-testbed/testbed/steps/manifests"
	"github.com/ingress-testbed/testbed/steps/suite"
)

// read reads the objects. Those that can't be read are printed, and left out.
func (f *compareFlags) read(ctx context.Context, stdin io.Reader, warnings io.Writer, args []string) (*estate.Estate, error) {
	options := estate.Options{Class: f.class}
	options.Settings.Namespace, options.Settings.Name, _ = strings.Cut(f.settings, "/")
	objects, err := f.objects(ctx, stdin, warnings, args, options.Settings)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", suite.ErrInput, err)
	}
	e := estate.New(objects, options)
	if len(e.Ingresses) == 0 {
		return nil, fmt.Errorf("%w: no Ingress to compare: the input has none, or none of the --class", suite.ErrInput)
	}
	return e, nil
}

func (f *compareFlags) objects(ctx context.Context, stdin io.Reader, warnings io.Writer, args []string, settings types.NamespacedName) ([]runtime.Object, error) {
	if f.fromContext != "" {
		return f.live(ctx, warnings, settings)
	}
	set, err := manifests.Read(ctx, stdin, args...)
	if err != nil {
		return nil, err
	}
	if err := set.Err(); err != nil {
		fmt.Fprintf(warnings, "Left out:\n%v\n", err)
	}
	var objects []runtime.Object
	for _, object := range set.Objects {
		objects = append(objects, object.Typed)
	}
	return objects, nil
}

// liveTimeout bounds each request for objects of a cluster.
const liveTimeout = time.Minute

// live reads the objects of a cluster.
func (f *compareFlags) live(ctx context.Context, warnings io.Writer, settings types.NamespacedName) ([]runtime.Object, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = f.fromConfig
	overrides := &clientcmd.ConfigOverrides{}
	if f.fromContext != "." {
		overrides.CurrentContext = f.fromContext
	}
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig for --from-context %s: %w", f.fromContext, err)
	}
	config.Timeout, config.UserAgent = liveTimeout, "testbed-compare"
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("creating a client for %s: %w", config.Host, err)
	}
	read, err := live.Read(ctx, client, settings)
	if err != nil {
		return nil, fmt.Errorf("reading the objects of %s: %w", config.Host, err)
	}
	for _, note := range read.Notes {
		fmt.Fprintln(warnings, note)
	}
	return read.Objects, nil
}

// key stands for what is compared.
func key(e *estate.Estate, reference compare.Target, candidates []compare.Target) string {
	hash := sha256.New()
	encoder := json.NewEncoder(hash)
	for _, target := range append([]compare.Target{reference}, candidates...) {
		fmt.Fprintln(hash, target.Description())
	}
	for _, ingress := range e.Ingresses {
		encoder.Encode(ingress) //nolint:errcheck,errchkjson // a hash takes everything, and an Ingress was decoded from JSON
	}
	for _, name := range slices.SortedFunc(maps.Keys(e.Services), func(a, b types.NamespacedName) int { return strings.Compare(a.String(), b.String()) }) {
		encoder.Encode(e.Services[name]) //nolint:errcheck,errchkjson // as above
	}
	encoder.Encode(e.Settings) //nolint:errcheck,errchkjson // as above
	return hex.EncodeToString(hash.Sum(nil))
}
