// Package control is the protocol between the host and the test network: what to build, progress, and then requests
// over a Unix socket, one a connection. A connection opened inside is passed to the host as a file descriptor, so that
// its packets have addresses of the test network. Connections to registries are passed the other way: see Host.
package control

import (
	"net/netip"
	"syscall"
	"time"

	"github.com/ingress-testbed/testbed/clusters/embedded/addressplan"
)

// Paths inside the test network's mount namespace. The host finds them below /proc/PID/root, where PID is that of the
// test network, until the test network ends.
const (
	StateDir         = "/run/testbed"
	Socket           = StateDir + "/control.sock"
	HostKubeconfig   = StateDir + "/kubeconfig"        // through the host's loopback
	NodeKubeconfig   = StateDir + "/kubeconfig.node"   // from a node
	ClientKubeconfig = StateDir + "/kubeconfig.client" // from the client
	ImageDir         = StateDir + "/images"
	KubectlCache     = StateDir + "/kubectl-cache"
	ProgramDir       = StateDir + "/bin" // for the PATH of shells: kubectl
)

// Command is the hidden sub-command by which the testbed program becomes a test network. Its file descriptor 3 is a
// stream socket to the host's side: it receives a Spec, sends Events, and ends when the host closes the socket. File descriptor 4 is
// the socket of a Host.
const Command = "test-network"

// APIPort is the API server's port on the first node.
const APIPort = 6443

// Spec is what the test network is to build. It is the first thing sent to it, as one JSON value.
type Spec struct {
	Name    string              `json:"name"`
	Network addressplan.Network `json:"network"`
	// KubernetesVersion is the nodes' version, "v1.37.2".
	KubernetesVersion string `json:"kubernetesVersion"`
	// Kube is the path of the multi-call binary, and CNI the folder of the CNI plug-ins.
	Kube string `json:"kube"`
	CNI  string `json:"cni"`
	// Images are archives whose images all nodes have from the start.
	Images []string `json:"images"`
	// Logs is the folder for the parts' logs; it exists.
	Logs string `json:"logs"`
	// HostAPI is where the host listens for the API server.
	HostAPI netip.AddrPort `json:"hostAPI"`
}

// Event reports progress while the test network is built. Each is one JSON value.
type Event struct {
	// Done is a step that is finished, and Took how long it took.
	Done string        `json:"done,omitempty"`
	Took time.Duration `json:"took,omitempty"`
	// Ready is true once the cluster can be used.
	Ready bool `json:"ready,omitempty"`
	// Failed is why the test network failed. It is the last event.
	Failed string `json:"failed,omitempty"`
}

// request is what a client of the socket sends; one field is set.
type request struct {
	Dial      *DialRequest      `json:"dial,omitempty"`
	Capture   *Link             `json:"capture,omitempty"`
	LoadImage string            `json:"loadImage,omitempty"` // path of an archive
	PullImage *PullRequest      `json:"pullImage,omitempty"`
	PodLink   *PodRequest       `json:"podLink,omitempty"`
	Plug      *PlugRequest      `json:"plug,omitempty"`
	Impair    *ImpairRequest    `json:"impair,omitempty"`
	Suspend   *SuspendRequest   `json:"suspend,omitempty"`
	Component *ComponentRequest `json:"component,omitempty"`
}

// reply is the answer. A file descriptor follows a good reply to Dial, a pcap stream one to Capture. Replies with Progress
// precede the one to PullImage.
type reply struct {
	Error string `json:"error,omitempty"`
	// Errno is the system call's error number behind Error, if there is one, so that the host can distinguish a
	// refused connection from a lost one.
	Errno syscall.Errno `json:"errno,omitempty"`
	Link  Link          `json:"link,omitzero"`
	// Images are those that were loaded.
	Images []Image `json:"images,omitempty"`
	// Progress of a pull that has not ended.
	Progress *PullProgress `json:"progress,omitempty"`
	// Credentials of the host's user for a registry.
	Credentials Credentials `json:"credentials,omitzero"`
}

// DialRequest opens a connection from a machine ("client", "router" or a node's name).
type DialRequest struct {
	From    string        `json:"from"`
	Network string        `json:"network"`
	Address string        `json:"address"`
	Timeout time.Duration `json:"timeout"`
}

// Link is an interface of a machine. Captures listen on one.
type Link struct {
	Machine   string `json:"machine"`
	Interface string `json:"interface"`
}

// PlugRequest disconnects a node's cable, or connects it again.
type PlugRequest struct {
	Node string `json:"node"`
	In   bool   `json:"in"`
}

// ImpairRequest sets what happens to the packets on a node's cable, in both directions, and replaces what was set before. With the
// zero value of the other fields, packets are neither lost nor delayed.
type ImpairRequest struct {
	Node string `json:"node"`
	// Loss is the share of packets that are dropped, from 0 to 1.
	Loss   float64       `json:"loss,omitempty"`
	Delay  time.Duration `json:"delay,omitempty"`
	Jitter time.Duration `json:"jitter,omitempty"`
}

// SuspendRequest stops or continues the processes of a node, or of a Pod if Node is empty.
type SuspendRequest struct {
	Node      string `json:"node,omitempty"`
	Namespace string `json:"namespace,omitempty"`
	Pod       string `json:"pod,omitempty"`
	Suspend   bool   `json:"suspend"` // or continue
}

// ComponentRequest kills a component of the control plane, or starts it again and waits until the API server is ready.
type ComponentRequest struct {
	Name string `json:"name"`
	Run  bool   `json:"run"`
}

// PodRequest finds the node's end of a pod's link.
type PodRequest struct {
	Namespace string `json:"namespace"`
	Pod       string `json:"pod"`
}

// Image is an image that was loaded.
type Image struct {
	// Name in full, "docker.io/library/web:1.0".
	Name string `json:"name"`
	// Size in bytes of the unpacked files.
	Size int64 `json:"size"`
}

// PullRequest pulls an image from its registry into the cluster's image store.
type PullRequest struct {
	// Image as a Pod has it.
	Image string `json:"image"`
	// Credentials are those of the Pod's image pull secrets for this image, in the order in which they are tried. Those
	// of the host's user come after them.
	Credentials []Credentials `json:"credentials,omitempty"`
}

// Credentials for a registry; the zero value is none. One of Username, IdentityToken (an OAuth 2 refresh token) and
// RegistryToken (a bearer token) is set.
type Credentials struct {
	Username      string `json:"username,omitempty"`
	Password      string `json:"password,omitempty"`
	IdentityToken string `json:"identityToken,omitempty"`
	RegistryToken string `json:"registryToken,omitempty"`
}

// PullProgress counts the bytes of an image's layers, as the registry has them, that are new to the cluster.
type PullProgress struct {
	Done  int64 `json:"done"`
	Total int64 `json:"total"`
}
