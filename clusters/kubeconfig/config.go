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
)

// Reach is a way from this machine to the controller in the cluster.
type Reach string

// The ways to reach the controller.
const (
	// ReachAny finds out: by node ports if a node's address answers, or else through a load balancer if the cluster makes
	// some, or else by forwarded ports.
	ReachAny Reach = ""
	// ReachNodePort connects to the nodes' addresses.
	ReachNodePort Reach = "node-port"
	// ReachLoadBalancer makes the controller's Service one of type LoadBalancer.
	ReachLoadBalancer Reach = "load-balancer"
	// ReachPortForward goes through the API server to the controller's Pod, past its Service. It works wherever kubectl
	// does, and hides the client's address.
	ReachPortForward Reach = "port-forward"
)

// Reaches lists what can be chosen.
func Reaches() []string {
	return []string{string(ReachNodePort), string(ReachLoadBalancer), string(ReachPortForward)}
}

// Config says which cluster to use, and how.
type Config struct {
	// Run names the run in everything that it makes and that is not in a namespace of its own; see NewRun.
	Run string
	// Kubeconfig is a file; if empty, those of the variable KUBECONFIG or ~/.kube/config.
	Kubeconfig string
	// Context in it; the current one if empty.
	Context string
	// Reach is the way to the controller.
	Reach Reach
	// ClientAddress is the one under which the cluster sees this machine. If it isn't given, it is taken from the route to
	// the nodes, unless that can't tell: behind address translation, say.
	ClientAddress netip.Addr
	// ImageRegistry is where the cluster pulls the test-bed's images from: it takes the place of "testbed.local" in their
	// names. If empty, the nodes have to have the images.
	ImageRegistry string
	// Controller is the Service of an ingress controller that is in the cluster already and is to be judged, as it is. The
	// zero value stands for one that the run deploys: then more rights and images are needed.
	Controller types.NamespacedName
	// Progress is where people are told what is found out; nil for nowhere.
	Progress io.Writer
}

// NewRun makes a name that no other run has.
func NewRun() string { return strings.ToLower(rand.Text()[:8]) }

// StoryNamespace is one that the run has to itself.
func (c Config) StoryNamespace() string { return "testbed-" + c.Run }

// ControllerNamespace is for the ingress controller.
func (c Config) ControllerNamespace() string { return c.StoryNamespace() + "-ingress" }

// CaptureNamespace is for the agents that capture packets.
func (c Config) CaptureNamespace() string { return c.StoryNamespace() + "-capture" }

// IngressClass is a name for the controller's.
func (c Config) IngressClass() string { return c.StoryNamespace() }

// Validate refuses what can't be meant.
func (c Config) Validate() error {
	if faults := validation.IsDNS1123Label(c.Run); len(faults) > 0 {
		return fmt.Errorf("%q can't name a run: %s", c.Run, faults[0])
	}
	if c.Reach != ReachAny && !slices.Contains(Reaches(), string(c.Reach)) {
		return fmt.Errorf("there is no way %q to reach a controller: --reach takes %s", c.Reach, strings.Join(Reaches(), ", "))
	}
	if strings.ContainsAny(c.ImageRegistry, " \t\n@") || strings.HasSuffix(c.ImageRegistry, "/") {
		return fmt.Errorf("%q is no place for images: --image-registry takes one such as registry.example.com/testbed", c.ImageRegistry)
	}
	return nil
}

// imageHost is where the Makefile places the images.
const imageHost = "testbed.local"

// image is the name under which the cluster knows one of the test-bed's images. Other images keep their names.
func (c Config) image(name string) string {
	if path, ours := strings.CutPrefix(name, imageHost+"/"); ours && c.ImageRegistry != "" {
		return c.ImageRegistry + "/" + path
	}
	return name
}

// Images that the nodes have to have, or to pull.
func (c Config) images() []string {
	images := []string{c.image(imageHost + "/backends:dev"), c.image(imageHost + "/capture:dev")}
	if c.deploys() {
		images = append(images, c.image(imageHost+"/controller:dev"))
	}
	return images
}

// deploys tells whether the run deploys a controller of its own.
func (c Config) deploys() bool { return c.Controller.Name == "" }

func (c Config) note(format string, arguments ...any) {
	if c.Progress != nil {
		fmt.Fprintf(c.Progress, format+"\n", arguments...)
	}
}
