package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/cmd/testbed/target"
	"github.com/ingress-testbed/testbed/fixtures/charts"
	"github.com/ingress-testbed/testbed/fixtures/charts/release"
	"github.com/ingress-testbed/testbed/steps/install"
	"github.com/ingress-testbed/testbed/steps/suite"
)

// installTimeout bounds an installation, images included.
const installTimeout = 2 * time.Minute

// installation is what `testbed install` installs, and where.
type installation struct {
	all        target.Providers
	kind, name string
	release    charts.Release
	sources    charts.Sources
	merged     map[string]any // the values of sources; nil until they are read
	timeout    time.Duration
}

func (i *installation) registerCluster(cmd *cobra.Command) {
	i.all.Register(cmd)
	flags := cmd.Flags()
	flags.StringVar(&i.name, "name", "", "`name` of the cluster (default testbed, kind or k3s-default)")
	flags.StringVar(&i.kind, "cluster", cmp.Or(os.Getenv("CLUSTER"), i.all[0].Kind()), "`kind` of cluster: "+i.all.Kinds())
	flags.DurationVar(&i.timeout, "timeout", i.timeout, "`time` that it may take")
}

func (i *installation) registerRelease(flags *pflag.FlagSet) {
	flags.StringVar(&i.release.Name, "release", i.release.Name, "`name` of the Helm release")
	flags.StringVarP(&i.release.Namespace, "namespace", "n", i.release.Namespace, "`namespace` of the release; it is created if it doesn't exist")
}

// newInstallation returns the default release in an embedded cluster.
func newInstallation() *installation {
	all := target.NewProviders()
	return &installation{all: all, kind: all[0].Kind(), release: charts.DefaultRelease(), timeout: installTimeout}
}

func newInstall() *cobra.Command {
	i := newInstallation()
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Install the ingress controller in a cluster, or change how it is installed",
		Long: "Installs the test-bed's ingress controller with Helm's library, as a release that `helm list` shows, and waits until it\n" +
			"responds. The values are those of the chart of ingress-nginx (docs/controller.md).",
		Example: "  testbed install\n  testbed install -f values.yaml --set controller.replicaCount=2\n" +
			"  testbed install --cluster kubeconfig --context staging --image-registry registry.example.com/testbed",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return i.install(cmd.Context(), cmd.ErrOrStderr()) },
	}
	i.registerCluster(cmd)
	i.registerRelease(cmd.Flags())
	i.sources.Register(cmd.Flags())
	return cmd
}

func newUninstall() *cobra.Command {
	i := newInstallation()
	cmd := &cobra.Command{
		Use:   "uninstall",
		Short: "Remove the ingress controller that `testbed install` has installed",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return i.uninstall(cmd.Context(), cmd.ErrOrStderr()) },
	}
	i.registerCluster(cmd)
	i.registerRelease(cmd.Flags())
	return cmd
}

func newManifests() *cobra.Command {
	i := newInstallation()
	cmd := &cobra.Command{
		Use:   "manifests",
		Short: "Print the manifests of the ingress controller, for kubectl",
		Long: "Prints the objects that `testbed install` would create, and their Namespace, as YAML. No cluster is needed. Each call\n" +
			"creates a certificate for the admission webhook.",
		Example: "  testbed manifests -f values.yaml | kubectl apply -f -",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return i.print(cmd.OutOrStdout(), cmd.ErrOrStderr()) },
	}
	i.registerRelease(cmd.Flags())
	i.sources.Register(cmd.Flags())
	return cmd
}

// values are those of the options, with a warning about each that the chart doesn't have.
func (i *installation) values(warnings io.Writer) (map[string]any, error) {
	if i.merged == nil { // standard input can be read once
		var err error
		if i.merged, err = i.sources.Merge(readValues); err != nil {
			return nil, err
		}
	}
	unknown, err := charts.Unknown(i.merged)
	if err != nil {
		return nil, err
	}
	if len(unknown) > 0 {
		fmt.Fprintf(warnings, "Without effect, because the chart has no such values: %s\n", strings.Join(unknown, ", "))
	}
	return i.merged, nil
}

// render renders the release. Errors wrap suite.ErrInput.
func (i *installation) render(warnings io.Writer) (values map[string]any, rendered []*unstructured.Unstructured, err error) {
	if values, err = i.values(warnings); err == nil {
		rendered, err = charts.Render(values, i.release, nil)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", suite.ErrInput, err)
	}
	return values, rendered, nil
}

// readValues reads a file, or standard input.
func readValues(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(os.Stdin)
	}
	return os.ReadFile(name)
}

// connect connects to the cluster, which must exist.
func (i *installation) connect(ctx context.Context, progress io.Writer) (clusters.Cluster, clusters.Source, error) {
	provider, err := i.all.Choose(i.kind)
	if err != nil {
		return nil, nil, err
	}
	images, err := target.ImageDir()
	if err != nil {
		return nil, nil, err
	}
	source, err := provider.Check(ctx, clusters.Request{Name: i.name, ImageDir: images, Existing: true, Progress: progress})
	if err != nil {
		return nil, nil, err
	}
	cluster, err := source.Get(ctx)
	if err != nil {
		return nil, nil, errors.Join(err, source.Close())
	}
	return cluster, source, nil
}

// install installs or upgrades the release and waits until the controller responds.
func (i *installation) install(ctx context.Context, progress io.Writer) error {
	ctx, cancel := context.WithTimeoutCause(ctx, i.timeout, fmt.Errorf("not finished after %s (--timeout)", i.timeout))
	defer cancel()
	values, _, err := i.render(progress) // before anything is changed
	if err != nil {
		return err
	}
	cluster, source, err := i.connect(ctx, progress)
	if err != nil {
		return fmt.Errorf("%w: %w", suite.ErrInput, err)
	}
	defer source.Close()                              //nolint:errcheck // the next run removes temporary files that are left
	defer cluster.Destroy(context.WithoutCancel(ctx)) //nolint:errcheck // it keeps the cluster, and removes temporary files
	properties := source.Properties()
	if properties.ImageRegistry != "" {
		registry := map[string]any{"controller": map[string]any{"image": map[string]any{"registry": properties.ImageRegistry}}}
		values = charts.MergeValues(registry, values)
	}
	return install.Install(ctx, cluster, install.Request{Release: i.release, Values: values, Images: properties.Images, Progress: progress})
}

// uninstall removes the release and waits until its objects are gone.
func (i *installation) uninstall(ctx context.Context, progress io.Writer) error {
	ctx, cancel := context.WithTimeoutCause(ctx, i.timeout, fmt.Errorf("not finished after %s (--timeout)", i.timeout))
	defer cancel()
	cluster, source, err := i.connect(ctx, progress)
	if err != nil {
		return fmt.Errorf("%w: %w", suite.ErrInput, err)
	}
	defer source.Close()                              //nolint:errcheck // the next run removes temporary files that are left
	defer cluster.Destroy(context.WithoutCancel(ctx)) //nolint:errcheck // it keeps the cluster, and removes temporary files
	if err := install.Uninstall(ctx, cluster.Kubeconfig(), i.release); err != nil {
		if errors.Is(err, release.ErrNotFound) {
			return fmt.Errorf("there is no release %s in namespace %s: choose another with --release and --namespace", i.release.Name, i.release.Namespace)
		}
		return err
	}
	fmt.Fprintf(progress, "Release %s is gone; the namespace %s is kept\n", i.release.Name, i.release.Namespace)
	return nil
}

// print prints the objects of the release.
func (i *installation) print(out, warnings io.Writer) error {
	_, rendered, err := i.render(warnings)
	if err != nil {
		return err
	}
	text, err := charts.YAML(append([]*unstructured.Unstructured{charts.Namespace(i.release.Namespace)}, rendered...))
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	return err
}
