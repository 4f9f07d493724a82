package steps

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/ingress-testbed/testbed/steps/client"
)

// answerTimeout bounds the wait for the first answer of a controller whose Pods are ready.
const answerTimeout = 30 * time.Second

// errOwnOnly is wrapped by what only the test-bed's own controller can show. As with clusters.ErrUnsupported, the
// scenario is then skipped: of another controller it would say nothing.
var errOwnOnly = errors.New("this can only be asked of the test-bed's own controller")

// IngressController is the ingress controller under test: a Deployer's, or one that is Installed already.
type IngressController interface {
	// Check tells whether scenarios can be run with it, before any is. It makes nothing.
	Check(ctx context.Context) error
	// Ensure makes it as the settings say, waits until it answers, and returns where requests enter.
	Ensure(ctx context.Context, environment *Environment, settings map[string]string) (client.Entry, error)
	// Current is the controller as it was ensured last.
	Current() (Controller, error)
	// Pod is a ready Pod of it, the first of several by name.
	Pod(ctx context.Context) (corev1.Pod, error)
	// Description says in reports which controller it is.
	Description() string

	// release gives up what was deployed, for somebody else to remove.
	release() []*unstructured.Unstructured
}

// Controller is an ingress controller: how it can be deployed, or where it is.
type Controller struct {
	// Manifest deploys it; nil for one that is installed already.
	Manifest []byte
	// Namespace of the objects below.
	Namespace string
	// Service through which requests come in: for one that is deployed, a NodePort Service with ports named http and https.
	Service string
	// Selector of the controller's Pods.
	Selector string
	// Instance is the installation's name in the cluster, that of its ClusterRole; "" if that isn't known.
	Instance string
	// IngressClass that it serves.
	IngressClass string
	// Dump is the command that prints the routing table inside the Pod; nil if there is none.
	Dump []string
	// HidesClient says why the controller is not shown the client's address, whatever it does itself; "" if it is.
	HidesClient string
	// ServesLater says that an Ingress with an address need not be served yet. The test-bed's own controller writes the
	// address once requests are routed by the Ingress; others write it independently of that.
	ServesLater bool
}

// Render makes a controller from the settings that a feature file gives. Unknown settings are an error.
type Render func(settings map[string]string) (Controller, error)

// foreign tells whether it is somebody else's controller, of which nothing is known but how it serves.
func (c Controller) foreign() bool { return c.Manifest == nil }

// waitAnswer waits for any HTTP answer: the nodes may not yet have the rules that lead to a new Pod.
func (e *Environment) waitAnswer(ctx context.Context, entry client.Entry) error {
	caller := client.Client{Dialer: e.Cluster.Client(), Names: &client.Names{}}
	var last error
	err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, answerTimeout, true, func(ctx context.Context) (bool, error) {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		_, last = caller.Do(ctx, client.Request{Method: "GET", URL: "http://" + entry.HTTP.String() + "/"})
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("waiting until the ingress controller answers at %s: %w", entry.HTTP, errors.Join(err, last))
	}
	return nil
}
