// Package connection connects this machine to a cluster whose nodes it reaches at their own addresses, such as containers on this
// machine.
package connection

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/clusters/hostclient"
	"github.com/ingress-testbed/testbed/clusters/nodeinfo"
	"github.com/ingress-testbed/testbed/clusters/podcapture"
	"github.com/ingress-testbed/testbed/internal/kubeclient"
)

const (
	clientQPS, clientBurst = 100, 200
	clientTimeout          = 30 * time.Second
	captureNamespace       = "testbed-capture"
	readyInterval          = 200 * time.Millisecond
)

// Connection is a connection to a cluster. Its client is this machine.
type Connection struct {
	clientset kubernetes.Interface
	client    hostclient.Client
	agents    *podcapture.Agents
}

// Open connects to the cluster of a kubeconfig. The cluster must have a node. CaptureImage is the image of the agents
// that capture packets; podcapture.DefaultImage if empty.
func Open(ctx context.Context, kubeconfig, captureImage string) (*Connection, error) {
	config, clientset, err := kubeclient.Connect(kubeconfig, kubeclient.Options{QPS: clientQPS, Burst: clientBurst, Timeout: clientTimeout})
	if err != nil {
		return nil, err
	}
	c := &Connection{clientset: clientset}
	nodes, err := c.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	if len(nodes) == 0 {
		return nil, errors.New("the cluster has no nodes")
	}
	if c.client, err = hostclient.New(ctx, nodes[0].InternalIP); err != nil {
		return nil, err
	}
	c.agents = podcapture.New(podcapture.Config{
		REST: config, Clientset: clientset, Namespace: captureNamespace, Image: captureImage, Nodes: c.Nodes,
	})
	return c, nil
}

// Nodes with their own addresses.
func (c *Connection) Nodes(ctx context.Context) ([]clusters.Node, error) {
	return nodeinfo.Nodes(ctx, c.clientset)
}

// Client is this machine.
func (c *Connection) Client() clusters.Client { return c.client }

// Capture starts an agent on the node that captures packets.
func (c *Connection) Capture(ctx context.Context, target clusters.CaptureTarget) (io.ReadCloser, error) {
	return c.agents.Capture(ctx, target)
}

// ExportLogs writes to dir what the API server has about the cluster's components.
func (c *Connection) ExportLogs(ctx context.Context, dir string) error {
	return nodeinfo.ExportLogs(ctx, c.clientset, dir)
}

// Close removes the capture agents from the cluster.
func (c *Connection) Close(ctx context.Context) error { return c.agents.Close(ctx) }

// WaitReady waits until every node is Ready and has a range of Pod addresses, which a new one gets a little later.
func (c *Connection) WaitReady(ctx context.Context, timeout time.Duration) error {
	missing := ""
	err := wait.PollUntilContextTimeout(ctx, readyInterval, timeout, true, func(ctx context.Context) (bool, error) {
		list, err := c.clientset.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		if err != nil {
			missing = err.Error()
			return false, nil //nolint:nilerr // retried; if the error lasts, the time-out reports it
		}
		for _, node := range list.Items {
			if !ready(node) || node.Spec.PodCIDR == "" {
				missing = node.Name
				return false, nil
			}
		}
		return true, nil
	})
	if err != nil {
		return fmt.Errorf("waiting until all nodes are ready (%s is not): %w", missing, err)
	}
	return nil
}

func ready(node corev1.Node) bool {
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}
