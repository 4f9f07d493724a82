package kubeconfig

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/ingress-testbed/testbed/clusters"
)

// Reaches lists the values of --reach.
func Reaches() []string {
	return []string{string(clusters.ReachNodePort), string(clusters.ReachLoadBalancer), string(clusters.ReachPortForward)}
}

// Config selects a cluster, and the path to it.
type Config struct {
	// Run is part of the names of all objects that the run creates outside its own namespaces; see NewRun.
	Run string
	// Kubeconfig is a file; if empty, those of the variable KUBECONFIG or ~/.kube/config.
	Kubeconfig string
	// Context in it; the current one if empty.
	Context string
	// Reach is the path to the controller. If empty, node ports are taken if a node's address responds, or else a load
	// balancer if the cluster has any, or else forwarded ports.
	Reach clusters.Reach
	// ClientAddress is the address of this machine as the cluster sees it. If it isn't given, it is that of the route to the
	// nodes, unless there is address translation in between.
	ClientAddress netip.Addr
	// ImageRegistry is the registry from which the cluster pulls the test-bed's images: it replaces "testbed.local" in their
	// names. If empty, the images have to be on the nodes.
	ImageRegistry string
	// Controller is the Service of an ingress controller under test that the cluster has already. The zero value stands for
	// one that the run deploys, which takes more permissions and images.
	Controller types.NamespacedName
	// Lasting is set if what is created in the cluster stays: there is no run, and it gets no namespaces of its own.
	Lasting bool
	// Progress receives messages about what was detected; nil discards them.
	Progress io.Writer
}

// NewRun returns a unique name for a run.
func NewRun() string { return strings.ToLower(rand.Text()[:8]) }

// Namespace is the run's first namespace.
func (c Config) Namespace() string { return "testbed-" + c.Run }

// ControllerNamespace is for the ingress controller that the run deploys.
func (c Config) ControllerNamespace() string { return c.Namespace() + "-ingress" }

// CaptureNamespace is for the agents that capture packets.
func (c Config) CaptureNamespace() string { return c.Namespace() + "-capture" }

// IngressClass of the controller that the run deploys.
func (c Config) IngressClass() string { return c.Namespace() }

// Validate checks the settings that have a syntax.
func (c Config) Validate() error {
	if faults := validation.IsDNS1123Label(c.Run); len(faults) > 0 {
		return fmt.Errorf("invalid name of a run %q: %s", c.Run, faults[0])
	}
	if c.Reach != "" && !slices.Contains(Reaches(), string(c.Reach)) {
		return fmt.Errorf("invalid --reach %q: it takes %s", c.Reach, strings.Join(Reaches(), ", "))
	}
	if strings.ContainsAny(c.ImageRegistry, " \t\n@") || strings.HasSuffix(c.ImageRegistry, "/") {
		return fmt.Errorf("invalid --image-registry %q: it takes a value such as registry.example.com/testbed", c.ImageRegistry)
	}
	return nil
}

// imageHost is the registry in the names that the Makefile gives the images.
const imageHost = "testbed.local"

// image is the name of one of the test-bed's images in the cluster. Other images keep their names.
func (c Config) image(name string) string {
	if path, ours := strings.CutPrefix(name, imageHost+"/"); ours && c.ImageRegistry != "" {
		return c.ImageRegistry + "/" + path
	}
	return name
}

// images lists those that the nodes need.
func (c Config) images() []string {
	var images []string
	if !c.Lasting {
		images = append(images, c.image(imageHost+"/backends:dev"), c.image(imageHost+"/capture:dev"))
	}
	if c.deploys() {
		images = append(images, c.image(imageHost+"/controller:dev"))
	}
	return images
}

// deploys reports whether the run deploys a controller of its own.
func (c Config) deploys() bool { return c.Controller.Name == "" }

func (c Config) note(format string, arguments ...any) {
	if c.Progress != nil {
		fmt.Fprintf(c.Progress, format+"\n", arguments...)
	}
}
