// Package target has the flags with which commands select their cluster and the ingress controller under test.
package target

import (
	"cmp"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/fixtures/recipes"
	"github.com/ingress-testbed/testbed/steps/subject"
	"github.com/ingress-testbed/testbed/steps/suite"
)

// Flags select the cluster and the ingress controller under test.
type Flags struct {
	name, kind string
	existing   existingFlags
	all        Providers
}

// NewFlags returns flags that are to be registered.
func NewFlags() *Flags { return &Flags{all: NewProviders()} }

// Register adds the flags to a command.
func (f *Flags) Register(cmd *cobra.Command) {
	f.all.Register(cmd)
	cmd.Flags().StringVar(&f.name, "name", "", "`name` of the cluster; an existing one is used and kept (default a new one that ends with the run)")
	cmd.Flags().StringVar(&f.kind, "cluster", cmp.Or(os.Getenv("CLUSTER"), f.all[0].Kind()), "`kind` of cluster: "+f.all.Kinds())
	f.existing.register(cmd)
}

// Existing reports whether the controller exists already in the cluster.
func (f *Flags) Existing() bool { return f.existing.class != "" }

// Own reports whether the controller is the test-bed's own, which the run deploys.
func (f *Flags) Own() bool { return !f.Existing() && f.existing.recipe == "" }

// Check validates the flags and checks that the cluster is available. It returns the cluster, which the caller closes, and the
// options that depend on it.
func (f *Flags) Check(cmd *cobra.Command) (clusters.Source, suite.Options, error) {
	source, options, err := f.source(cmd)
	if err != nil {
		return nil, suite.Options{}, fmt.Errorf("%w: %w", suite.ErrInput, err)
	}
	return source, options, nil
}

func (f *Flags) source(cmd *cobra.Command) (clusters.Source, suite.Options, error) {
	provider, err := f.all.Choose(f.kind)
	if err != nil {
		return nil, suite.Options{}, err
	}
	existing, err := f.existing.existing()
	if err != nil {
		return nil, suite.Options{}, err
	}
	images, err := ImageDir()
	if err != nil {
		return nil, suite.Options{}, err
	}
	source, err := provider.Check(cmd.Context(), clusters.Request{
		Name: f.name, ImageDir: images, Controller: serviceOf(existing), Progress: cmd.ErrOrStderr(),
	})
	if err != nil {
		return nil, suite.Options{}, err
	}
	options, err := f.options(source, existing)
	if err != nil {
		source.Close() //nolint:errcheck // the next run removes temporary files that are left
		return nil, suite.Options{}, err
	}
	return source, options, nil
}

func (f *Flags) options(source clusters.Source, existing *subject.Reference) (suite.Options, error) {
	if err := checkExisting(existing, source.Properties()); err != nil {
		return suite.Options{}, err
	}
	other, err := f.existing.deployed()
	if err != nil {
		return suite.Options{}, err
	}
	options, err := suiteOptions(source, existing, other)
	options.WaitPolicy.Settle = f.existing.settle
	return options, err
}

// suiteOptions are those that depend on the cluster and on the controller under test; existing is nil for one that the
// run deploys: other, or the test-bed's own if that is nil.
func suiteOptions(source clusters.Source, existing *subject.Reference, other *recipes.Recipe) (suite.Options, error) {
	properties := source.Properties()
	options := suite.Options{
		Title: "Ingress test-bed", NewCluster: source.Get, Disposable: properties.Disposable, Images: properties.Images,
		Kubectl: properties.Kubectl, NewController: newController(existing, other, properties.Tenancy),
	}
	if existing == nil && other == nil && properties.Tenancy == nil {
		options.NewFurther = newFurther
	}
	if other != nil {
		loaded, err := archives(other)
		if err != nil {
			return options, err
		}
		options.Images = append(slices.Clone(options.Images), loaded...)
	}
	if tenancy := properties.Tenancy; tenancy != nil {
		options.ArticleNamespace, options.Prepare = tenancy.Namespace, tenancy.Prepare
	}
	if len(options.Kubectl) == 0 {
		var err error
		if options.Kubectl, err = findKubectl(); err != nil {
			return options, err
		}
	}
	return options, nil
}
