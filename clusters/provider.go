package clusters

import (
	"context"
	"io"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// Provider gets clusters of one kind. Every kind has one, in its own package.
type Provider interface {
	// Kind is the name that --cluster takes.
	Kind() string
	// Flags are the settings of this kind alone.
	Flags() *pflag.FlagSet
	// Check validates the flags and the request, and checks the prerequisites of a cluster: programs, images, names, permissions.
	// It starts nothing. Its errors say what the user can do about them.
	Check(ctx context.Context, request Request) (Source, error)
}

// Request says what a run needs of a cluster, whatever its kind.
type Request struct {
	// Name of the cluster: an existing one is used and kept. If empty, the cluster is a new one of the run's own.
	Name string
	// ImageDir is the folder that holds the archives of the test-bed's images.
	ImageDir string
	// Existing requires a cluster that exists, by Name or, if that is empty, by the default name of its kind. What the
	// caller creates in it stays there: the cluster is kept, and there is no Tenancy.
	Existing bool
	// Controller is the Service of an ingress controller under test that the cluster has already. The zero value stands
	// for one that the run deploys.
	Controller types.NamespacedName
	// Progress is where progress is written for people to read.
	Progress io.Writer
}

// Source is a cluster that passed the checks.
type Source interface {
	// Properties of the cluster, as far as they are known before Get.
	Properties() Properties
	// Get starts the cluster, or connects to it.
	Get(ctx context.Context) (Cluster, error)
	// Close removes temporary files. The cluster itself is ended by its Destroy.
	Close() error
}

// Properties of a cluster that matter to a run.
type Properties struct {
	// Disposable is true if the cluster ends with the run, so that objects in it need not be removed.
	Disposable bool
	// Images are archives that have to be loaded into the cluster.
	Images []string
	// ImageRegistry has the test-bed's images, such as registry.example.com/testbed. If empty, they are loaded into the
	// nodes, as testbed.local/….
	ImageRegistry string
	// Kubectl is the program to use and its first arguments. If empty, the kubectl that is installed.
	Kubectl []string
	// Tenancy is nil if the run may use the walkthrough's own names.
	Tenancy *Tenancy
}

// Tenancy restricts a run in a cluster that others use too.
type Tenancy struct {
	// Namespace takes the place of "default" in walkthroughs.
	Namespace string
	// ControllerNamespace and IngressClass are for the ingress controller that the run deploys, and Suffix is appended to
	// the names of its cluster-scoped objects.
	ControllerNamespace, IngressClass, Suffix string
	// Prepare changes an object before it is applied.
	Prepare func(*unstructured.Unstructured)
}
