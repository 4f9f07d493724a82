package subject

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/steps/client"
	"github.com/ingress-testbed/testbed/steps/helm"
	"github.com/ingress-testbed/testbed/steps/nodes"
	"github.com/ingress-testbed/testbed/steps/objects"
)

const (
	// answerTimeout bounds the wait for the first response of a controller whose Pods are ready.
	answerTimeout = 30 * time.Second
	// pollInterval is the time between two attempts of a wait.
	pollInterval = 50 * time.Millisecond
)

// Cluster is the cluster that a controller runs in.
type Cluster struct {
	Objects *objects.API
	// Releases are the cluster's Helm releases.
	Releases helm.Releases
	Nodes    nodes.List
	// Client is the machine outside the cluster that requests come from, and Access how they reach Services.
	Client client.Dialer
	Access clusters.Access
}

// waitAnswer waits for any HTTP response: the nodes may not have the rules for a new Pod yet. Every second attempt begins with a
// header of the PROXY protocol, without which a controller may accept no connection.
func (c Cluster) waitAnswer(ctx context.Context, entry client.Entry) error {
	outside := client.Client{Dialer: c.Client, Resolver: &client.Resolver{}}
	var last error
	err := wait.PollUntilContextTimeout(ctx, pollInterval, answerTimeout, true, func(ctx context.Context) (bool, error) {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		if outside.Announced.IsValid() {
			outside.Announced = netip.AddrPort{}
		} else if last != nil {
			outside.Announced = entry.HTTP
		}
		_, last = outside.Do(ctx, client.Request{Method: "GET", URL: "http://" + entry.HTTP.String() + "/"})
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("waiting for a response of the ingress controller at %s: %w", entry.HTTP, errors.Join(err, last))
	}
	return nil
}

// readyPod returns the first ready Pod of an installation, by name.
func (c Cluster) readyPod(ctx context.Context, installation Installation) (corev1.Pod, error) {
	pods, err := c.Objects.Workloads.ReadyPods(ctx, installation.Namespace, installation.Selector)
	if err != nil {
		return corev1.Pod{}, fmt.Errorf("finding the ingress controller's Pod: %w", err)
	}
	return pods[0], nil
}

func (c Cluster) waitReady(ctx context.Context, object *unstructured.Unstructured) error {
	ctx, cancel := context.WithTimeout(ctx, objects.ReadyTimeout)
	defer cancel()
	return c.Objects.WaitReady(ctx, object)
}

// waitRollout waits until the Pods of an earlier installation are gone and returns a Pod of this one.
func (c Cluster) waitRollout(ctx context.Context, installation Installation) (corev1.Pod, error) {
	var pod corev1.Pod
	err := wait.PollUntilContextTimeout(ctx, pollInterval, objects.ReadyTimeout, true, func(ctx context.Context) (bool, error) {
		all, err := c.Objects.Workloads.Pods(ctx, installation.Namespace, installation.Selector)
		if err != nil {
			return false, err
		}
		ready, err := c.Objects.Workloads.ReadyPods(ctx, installation.Namespace, installation.Selector)
		if errors.Is(err, objects.ErrNoPod) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		pod = ready[0]
		return len(ready) == len(all), nil
	})
	if err != nil {
		return corev1.Pod{}, fmt.Errorf("waiting until the Pods of an earlier installation are gone: %w", err)
	}
	return pod, nil
}

// nodePorts returns the node ports at the node of the controller's Pod, which accepts requests under any external traffic
// policy.
func (c Cluster) nodePorts(ctx context.Context, installation Installation, pod corev1.Pod) (client.Entry, error) {
	service, err := c.Objects.Workloads.Clientset.CoreV1().Services(installation.Namespace).Get(ctx, installation.Service, metav1.GetOptions{})
	if err != nil {
		return client.Entry{}, fmt.Errorf("reading its Service: %w", err)
	}
	node, err := c.Nodes.ByName(pod.Spec.NodeName)
	if err != nil {
		return client.Entry{}, err
	}
	nodePort := func(name string) (netip.AddrPort, error) {
		for _, port := range service.Spec.Ports {
			if port.Name == name && port.NodePort > 0 && port.NodePort <= 65535 {
				return netip.AddrPortFrom(node.ExternalIP, uint16(port.NodePort)), nil
			}
		}
		return netip.AddrPort{}, fmt.Errorf("the Service %s/%s has no node port named %s", service.Namespace, service.Name, name)
	}
	var entry client.Entry
	var httpErr, httpsErr error
	entry.HTTP, httpErr = nodePort("http")
	entry.HTTPS, httpsErr = nodePort("https")
	return entry, errors.Join(httpErr, httpsErr)
}
