package target

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/clusters/embedded"
	"github.com/ingress-testbed/testbed/clusters/k3d"
	"github.com/ingress-testbed/testbed/clusters/kind"
	"github.com/ingress-testbed/testbed/clusters/kubeconfig"
	"github.com/ingress-testbed/testbed/fixtures/recipes"
	"github.com/ingress-testbed/testbed/steps/kubectl"
	"github.com/ingress-testbed/testbed/steps/subject"
	"github.com/ingress-testbed/testbed/steps/subject/recipe"
	"github.com/ingress-testbed/testbed/steps/subject/testbed"
)

// Providers of all kinds of clusters; the first is the default.
type Providers []clusters.Provider

// NewProviders returns the providers of all kinds of clusters.
func NewProviders() Providers {
	return Providers{embedded.NewProvider(), kind.NewProvider(), k3d.NewProvider(), kubeconfig.NewProvider()}
}

// Register adds the flags of all kinds to a command.
func (p Providers) Register(cmd *cobra.Command) {
	for _, provider := range p {
		cmd.Flags().AddFlagSet(provider.Flags())
	}
}

// Kinds names all kinds.
func (p Providers) Kinds() string {
	var kinds []string
	for _, provider := range p {
		kinds = append(kinds, provider.Kind())
	}
	return strings.Join(kinds, ", ")
}

// Choose finds the provider of a kind. It is an error if flags of another kind alone were given.
func (p Providers) Choose(kind string) (clusters.Provider, error) {
	at := slices.IndexFunc(p, func(provider clusters.Provider) bool { return provider.Kind() == kind })
	if at < 0 {
		return nil, fmt.Errorf("unknown kind of cluster %q: --cluster and CLUSTER take %s", kind, p.Kinds())
	}
	for _, other := range p {
		var foreign string
		other.Flags().VisitAll(func(flag *pflag.Flag) {
			if flag.Changed && p[at].Flags().Lookup(flag.Name) == nil {
				foreign = flag.Name
			}
		})
		if foreign != "" {
			return nil, fmt.Errorf("--%s does not apply to --cluster %s, only to --cluster %s", foreign, kind, other.Kind())
		}
	}
	return p[at], nil
}

// ImageDir is the folder with the archives of the images: beside this program, in `bin` and in a release's archive.
func ImageDir() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("finding the running program: %w", err)
	}
	return filepath.Join(filepath.Dir(self), "images"), nil
}

// findKubectl finds the kubectl that is installed, or the one of embedded clusters.
func findKubectl() ([]string, error) {
	installed, err := kubectl.Find()
	if err == nil {
		return installed, nil
	}
	if programs, notBuilt := (embedded.Config{}).Programs(); notBuilt == nil {
		return []string{programs.Kube, "kubectl"}, nil
	}
	return nil, err
}

// newController returns what creates the controller under test: the existing one, or, if that is nil, the one of a recipe, or, if
// that is nil, too, the test-bed's own, whose deployment depends on how the cluster is accessed and on who else uses it.
func newController(existing *subject.Reference, other *recipes.Recipe, tenancy *clusters.Tenancy) func(subject.Cluster) subject.Controller {
	return func(cluster subject.Cluster) subject.Controller {
		if existing == nil && other != nil {
			return subject.NewDeployed(cluster, recipe.New(other))
		}
		if existing == nil {
			return subject.NewDeployed(cluster, testbed.New(deployment(tenancy, cluster.Access)))
		}
		reference := *existing
		reference.ByClusterIP = !cluster.Access.NodePorts
		return subject.NewExisting(cluster, reference)
	}
}

// newFurther returns a further installation of the test-bed's own controller, with names of its own, or nil where only one can be
// reached.
func newFurther(cluster subject.Cluster, number int) subject.Controller {
	if !cluster.Access.NodePorts || cluster.Access.Reach == clusters.ReachLoadBalancer {
		return nil
	}
	return subject.NewDeployed(cluster, testbed.New(further(number)))
}

// further returns the names of a further installation.
func further(number int) testbed.Options {
	return testbed.Options{
		Namespace: fmt.Sprintf("ingress-%d", number+1), IngressClass: fmt.Sprintf("nginx-%d", number+1), Suffix: strconv.Itoa(number + 1),
		FreeNodePorts: true,
	}
}

// deployment returns how the test-bed's own controller is deployed to a cluster.
func deployment(tenancy *clusters.Tenancy, access clusters.Access) testbed.Options {
	var options testbed.Options
	if tenancy != nil {
		options = testbed.Options{
			Namespace: tenancy.ControllerNamespace, IngressClass: tenancy.IngressClass, Suffix: tenancy.Suffix, FreeNodePorts: true,
		}
	}
	if access.Reach == clusters.ReachLoadBalancer {
		options.ServiceType = "LoadBalancer"
	}
	if !access.NodePorts {
		options.NoNodePorts = fmt.Sprintf("requests reach this cluster by %s, not by node ports", access.Reach)
	}
	return options
}
