package target

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/fixtures/recipes"
	"github.com/ingress-testbed/testbed/steps/subject"
)

// existingFlags select an ingress controller that exists in the cluster, to be tested instead of one that the run deploys.
type existingFlags struct {
	class, service string
	settle         time.Duration
	// recipe is NAME or NAME@VERSION of another controller that the run deploys; "" for none.
	recipe string
}

func (f *existingFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.class, "ingress-class", os.Getenv("INGRESS_CLASS"),
		"test the existing ingress controller that serves this `class` (default: the run deploys one)")
	flags.StringVar(&f.service, "controller-service", os.Getenv("CONTROLLER_SERVICE"), "`NAMESPACE/NAME` of the Service of that controller")
	flags.StringVar(&f.recipe, "controller", os.Getenv("CONTROLLER"), "deploy this `controller` in place of the test-bed's own: "+
		strings.Join(recipes.Names(), ", ")+",\nperhaps with @ and the tag of its image (docs/recipes.md)")
	flags.DurationVar(&f.settle, "settle", 0, "`time` that controller may take to serve a new Ingress (default 3s)")
}

// existing identifies the controller to test; nil for one that the run deploys.
func (f *existingFlags) existing() (*subject.Reference, error) {
	switch {
	case f.recipe != "" && (f.class != "" || f.service != ""):
		return nil, errors.New("give either --controller, or --ingress-class and --controller-service")
	case f.class == "" && f.service == "" && (f.settle == 0 || f.recipe != ""):
		return nil, nil //nolint:nilnil // see above
	case f.class == "" || f.service == "":
		return nil, errors.New("an existing ingress controller is selected by --ingress-class and --controller-service: give both, or neither")
	case f.settle < 0:
		return nil, fmt.Errorf("invalid --settle %s: it must not be negative", f.settle)
	}
	namespace, name, found := strings.Cut(f.service, "/")
	if !found || namespace == "" || name == "" || strings.Contains(name, "/") {
		return nil, fmt.Errorf("invalid --controller-service %q: write it as NAMESPACE/NAME, such as traefik/traefik", f.service)
	}
	return &subject.Reference{IngressClass: f.class, Namespace: namespace, Service: name}, nil
}

// serviceOf returns the name of an existing controller's Service; the zero value if there is none.
func serviceOf(existing *subject.Reference) types.NamespacedName {
	if existing == nil {
		return types.NamespacedName{}
	}
	return types.NamespacedName{Namespace: existing.Namespace, Name: existing.Service}
}

// checkExisting refuses a controller that exists already in a cluster that doesn't yet.
func checkExisting(existing *subject.Reference, properties clusters.Properties) error {
	if existing != nil && properties.Disposable {
		return errors.New("a new cluster has no ingress controller to test: give the --name of a cluster that has one, or use --cluster kubeconfig")
	}
	return nil
}
