// Package subject is the ingress controller under test: one that the run deploys, or one that exists already.
package subject

import (
	"context"
	"errors"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ingress-testbed/testbed/fixtures/charts"
	"github.com/ingress-testbed/testbed/steps/client"
	"github.com/ingress-testbed/testbed/steps/helm"
)

// ErrTestbedOnly is wrapped by errors about what only the test-bed's own controller supports. A scenario that needs it
// is skipped, because it would prove nothing about another controller.
var ErrTestbedOnly = errors.New("only the test-bed's own controller supports this")

// Controller is the ingress controller under test. Its methods may be called from several goroutines.
type Controller interface {
	// Check reports whether scenarios can run with the controller. It changes nothing.
	Check(ctx context.Context) error
	// Ensure brings the controller into the state that the settings describe, waits until it responds, and returns the
	// addresses at which requests enter the cluster.
	Ensure(ctx context.Context, settings map[string]string) (client.Entry, error)
	// Recheck makes the next Ensure check the whole controller. It is called after scenarios that may have changed the
	// controller by other means than its settings; until then Ensure may rely on its last check.
	Recheck()
	// Helm runs a Helm command about the controller and returns what it prints. If it deploys the controller, Helm waits
	// as Ensure does and returns the addresses at which requests enter; otherwise these are the zero value.
	Helm(ctx context.Context, command helm.Command) (output string, entry client.Entry, err error)
	// Installation describes the controller as Ensure, Helm or Check last found it.
	Installation() (Installation, error)
	// Pod returns a ready Pod of the controller, the first by name.
	Pod(ctx context.Context) (corev1.Pod, error)
	// Description identifies the controller in reports, and Version its version; "" for that of the test-bed.
	Description() string
	Version() string
	// Remove deletes what Ensure created and waits until it is gone.
	Remove(ctx context.Context) error
}

// Installation is how an ingress controller is installed in a cluster.
type Installation struct {
	// Objects to deploy the controller with, in this order; nil for an existing one. They must not be changed.
	Objects []*unstructured.Unstructured
	// Namespace of the Service and the Pods.
	Namespace string
	// Service that receives the requests. That of Objects is of type NodePort or LoadBalancer and has ports named http and
	// https.
	Service string
	// Selector of the Pods, a label selector.
	Selector string
	// Instance is the name of the controller's ClusterRole; "" if unknown.
	Instance string
	// IngressClass that the controller serves.
	IngressClass string
	// Dump is the command that prints the routing table in a Pod; nil if there is none.
	Dump []string
	// Settings are the names of the ConfigMaps in Namespace that the controller follows, and of which Dump says in which version they
	// are served; nil if it doesn't.
	Settings []string
	// Explain is the command that explains what the controller does with a request, which takes curl's flags and a URL; nil if
	// there is none.
	Explain []string
	// ClientHidden is the reason why requests reach the controller without the client's address; "" if they have it. Steps use steps.Environment.ClientAddress, which considers the cluster's Access too.
	ClientHidden string
	// ServesLater is set if an Ingress may have an address before it is served. The test-bed's own controller publishes
	// the address once it routes requests by the Ingress; others publish it independently.
	ServesLater bool
}

// Existing reports whether the controller was installed before the run, so that only its behaviour is known.
func (i Installation) Existing() bool { return i.Objects == nil }

// Source renders installations of a controller.
type Source interface {
	// Description identifies the controller in reports.
	Description() string
	// Render returns the installation for the settings of a feature file. Unknown settings are an error.
	Render(settings map[string]string) (Installation, error)
	// RenderRelease returns the installation that a Helm release is, and its values with those that the cluster requires.
	RenderRelease(release charts.Release, given map[string]any) (installation Installation, values map[string]any, err error)
}
