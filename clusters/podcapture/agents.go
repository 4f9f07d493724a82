// Package podcapture captures packets on any Kubernetes cluster: it starts a Pod with an agent on the node in question
// and has the packets streamed back through the API server (the exec subresource of Pods).
package podcapture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/ingress-testbed/testbed/clusters"
)

// DefaultImage of the agent, as the Makefile makes it.
const DefaultImage = "testbed.local/capture:dev"

const (
	// startTimeout bounds the start of an agent's Pod, a pull of its image included.
	startTimeout = 60 * time.Second
	pollInterval = 50 * time.Millisecond
	// lifetime ends agents that a killed run left behind.
	lifetime = 2 * time.Hour
)

// Config is the configuration of the agents.
type Config struct {
	REST      *rest.Config
	Clientset kubernetes.Interface
	// Namespace for the agents alone: it is created with the first and removed with the last.
	Namespace string
	// Image of the agent; DefaultImage if empty.
	Image string
	// Labels of the namespace.
	Labels map[string]string
	// Nodes lists the nodes of the cluster.
	Nodes func(context.Context) ([]clusters.Node, error)
}

// Agents are the agents of a cluster. Each node gets one when it is first needed.
type Agents struct {
	config Config

	mu    sync.Mutex
	ready map[string]bool // by node
	made  bool            // the namespace
}

// New starts nothing yet.
func New(config Config) *Agents {
	if config.Image == "" {
		config.Image = DefaultImage
	}
	config.REST = rest.CopyConfig(config.REST)
	config.REST.Timeout = 0 // captures are unbounded
	return &Agents{config: config, ready: map[string]bool{}}
}

// Capture starts a capture, as in clusters.Cluster.
func (a *Agents) Capture(ctx context.Context, target clusters.CaptureTarget) (io.ReadCloser, error) {
	node, arguments, err := a.resolve(ctx, target)
	if err != nil {
		return nil, err
	}
	if err := a.ensure(ctx, node); err != nil {
		return nil, fmt.Errorf("starting a capture agent on node %s: %w", node, err)
	}
	stream, err := a.start(ctx, node, arguments)
	if err != nil {
		return nil, fmt.Errorf("capturing on node %s: %w", node, err)
	}
	return stream, nil
}

// resolve returns the node to capture on and the agent's arguments.
func (a *Agents) resolve(ctx context.Context, target clusters.CaptureTarget) (node string, arguments []string, err error) {
	switch {
	case target.Pod != "":
		pod, err := a.config.Clientset.CoreV1().Pods(target.Namespace).Get(ctx, target.Pod, metav1.GetOptions{})
		if err != nil {
			return "", nil, fmt.Errorf("finding the link of Pod %s/%s: %w", target.Namespace, target.Pod, err)
		}
		if pod.Spec.NodeName == "" || pod.Status.PodIP == "" {
			return "", nil, fmt.Errorf("Pod %s/%s has no address yet", target.Namespace, target.Pod) //nolint:staticcheck // a kind's name
		}
		if pod.Spec.HostNetwork {
			return "", nil, fmt.Errorf("Pod %s/%s uses its node's network and has no link of its own: %w", target.Namespace, target.Pod, clusters.ErrUnsupported) //nolint:staticcheck // a kind's name
		}
		return pod.Spec.NodeName, []string{"--pod=" + pod.Status.PodIP}, nil
	case target.Interface != "":
		return target.Node, []string{"--interface=" + target.Interface}, nil
	}
	nodes, err := a.config.Nodes(ctx)
	if err != nil {
		return "", nil, fmt.Errorf("finding the link of node %s: %w", target.Node, err)
	}
	towards, err := otherNode(nodes, target.Node)
	if err != nil {
		return "", nil, err
	}
	return target.Node, []string{"--towards=" + towards.String()}, nil
}

func otherNode(nodes []clusters.Node, name string) (netip.Addr, error) {
	for _, node := range nodes {
		if node.Name != name && node.InternalIP.IsValid() {
			return node.InternalIP, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("node %s has no link to other nodes: %w", name, clusters.ErrUnsupported)
}

// ensure starts the node's agent unless it is running.
func (a *Agents) ensure(ctx context.Context, node string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ready[node] {
		return nil
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: a.config.Namespace, Labels: namespaceLabels(a.config.Labels)}}
	_, err := a.config.Clientset.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("making its namespace: %w", err)
	}
	a.made = true
	pod := agentPod(a.config.Namespace, node, a.config.Image)
	_, err = a.config.Clientset.CoreV1().Pods(pod.Namespace).Create(ctx, pod, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("making its Pod: %w", err)
	}
	if err := a.waitRunning(ctx, pod.Name); err != nil {
		return err
	}
	a.ready[node] = true
	return nil
}

func (a *Agents) waitRunning(ctx context.Context, name string) error {
	missing := "nothing is known of it"
	err := wait.PollUntilContextTimeout(ctx, pollInterval, startTimeout, true, func(ctx context.Context) (bool, error) {
		pod, err := a.config.Clientset.CoreV1().Pods(a.config.Namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			missing = err.Error()
			return false, nil //nolint:nilerr // a passing fault; where it lasts, it is what the error says
		}
		for _, container := range pod.Status.ContainerStatuses {
			switch state := container.State; {
			case state.Running != nil:
				return true, nil
			case state.Terminated != nil:
				return false, fmt.Errorf("its Pod ended: %s %s", state.Terminated.Reason, state.Terminated.Message)
			case state.Waiting != nil && refused(state.Waiting.Reason):
				return false, fmt.Errorf("its Pod doesn't start: %s: %s", state.Waiting.Reason, state.Waiting.Message)
			case state.Waiting != nil:
				missing = strings.TrimSpace(state.Waiting.Reason + " " + state.Waiting.Message)
			}
		}
		if pod.Status.Phase == corev1.PodFailed {
			return false, fmt.Errorf("its Pod failed: %s %s", pod.Status.Reason, pod.Status.Message)
		}
		return false, nil
	})
	if wait.Interrupted(err) {
		return fmt.Errorf("its Pod is not running: %s: %w", missing, err)
	}
	return err
}

// refused reports whether an error will last longer than a scenario.
func refused(reason string) bool {
	switch reason {
	case "ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "CreateContainerConfigError", "CreateContainerError":
		return true
	}
	return false
}

// Close removes the agents and waits until they are gone.
func (a *Agents) Close(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.made {
		return nil
	}
	namespaces := a.config.Clientset.CoreV1().Namespaces()
	err := namespaces.Delete(ctx, a.config.Namespace, metav1.DeleteOptions{})
	if err == nil {
		err = wait.PollUntilContextCancel(ctx, pollInterval, true, func(ctx context.Context) (bool, error) {
			_, err := namespaces.Get(ctx, a.config.Namespace, metav1.GetOptions{})
			return apierrors.IsNotFound(err), nil
		})
	}
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("removing the capture agents' namespace %s: %w", a.config.Namespace, err)
	}
	a.made, a.ready = false, map[string]bool{}
	return nil
}

var errEnded = errors.New("the capture ended before it was running")
